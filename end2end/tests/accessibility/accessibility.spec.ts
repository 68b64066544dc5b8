import { EXPORT, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

const PAGES = ["/login", "/login/code", "/setup", "/admin", "/admin/account", EXPORT, `${EXPORT}/guide`, `${EXPORT}/history`, `${EXPORT}/history/audit`, `${EXPORT}/verify`, "/nothing-here"];

for (const colorScheme of ["light", "dark"] as const) {
  for (const path of PAGES) {
    test(`axe finds no violations on ${path} in ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.goto(path);
      await waitForHydration(page);
      await expectAccessible(page);
    });
  }
}

test("axe finds no violations before, during and after an export", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("large"), storageState: session("admin", "large") });
  const page = await context.newPage();
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await page.getByText("How to analyse the file").click();
  await expectAccessible(page);
  await exportPage.button.click();
  await expect(exportPage.cancel).toBeVisible();
  await expectAccessible(page);
  await expect(page.getByRole("heading", { name: "Complete and sealed" })).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page);
  await context.close();
});

test("the complete flow works by keyboard, with a visible focus", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  for (let step = 0; step < 30; step += 1) {
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
    expect(outline).not.toBe("none");
    if (await exportPage.button.evaluate((button) => button === document.activeElement)) break;
  }
  await expect(exportPage.button).toBeFocused();
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  expect(await download.failure()).toBeNull();
});

test("the live region announces the start and the end of an export", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await page.evaluate(() => {
    const region = document.querySelector("p.visually-hidden[role=status]")!;
    const heard: string[] = [];
    new MutationObserver(() => heard.push(region.textContent ?? "")).observe(region, { childList: true, characterData: true, subtree: true });
    Object.assign(window, { heard });
  });
  await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const heard = await page.evaluate(() => (window as unknown as { heard: string[] }).heard);
  expect(heard[0]).toBe("Export started.");
  expect(heard.at(-1)).toMatch(/^Complete and sealed\. [\d,]+ records\.$/);
  expect(heard.length).toBeLessThan(13);
});

for (const [what, size] of [["320 pixels wide", { width: 320, height: 640 }], ["at 200 % zoom", { width: 640, height: 400 }]] as const) {
  test(`nothing is cut off ${what}`, async ({ page }) => {
    await page.setViewportSize(size);
    for (const path of PAGES) {
      await page.goto(path);
      await waitForHydration(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
  });
}

test("at 200 % zoom the history shows the download of a file without scrolling sideways", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  await page.setViewportSize({ width: 640, height: 400 });
  await page.goto(`${EXPORT}/history`);
  const link = await page.getByRole("link", { name: "Download" }).first().boundingBox();
  expect(link!.x + link!.width).toBeLessThanOrEqual(640);
});

test("on a narrow screen left-out columns are listed under the table's name", async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(EXPORT);
  await expect(page.getByText("without password", { exact: true })).toBeVisible();
});
