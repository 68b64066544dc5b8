import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { ORGANIZATION_EXPORT, PROGRAM, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, test, waitForHydration } from "../../fixtures/test.ts";

test.use({ baseURL: url("chat"), storageState: session("owner", "chat") });

const button = "Export this organisation";

test("an owner exports their organisation, and checks the file on the page @smoke", async ({ page }) => {
  await page.goto("/admin");
  await expect(page.getByRole("link", { name: /Database export/ })).toHaveCount(0);
  await page.getByRole("link", { name: /Organisation export/ }).click();
  await expect(page.getByText(/direct messages of \d+ people/)).toBeVisible();
  const members = Number(await page.getByRole("row", { name: /Members/ }).getByRole("cell").textContent());
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  expect(download.suggestedFilename()).toMatch(/^ocomms-export-.*Z\.json$/);
  const path = await download.path();
  expect(JSON.parse(readFileSync(path, "utf8")).members).toHaveLength(members);
  expect(execFileSync(PROGRAM, ["verify", path]).toString()).toMatch(/^unaltered: /);
  await expect(page.getByRole("heading", { name: "Complete and sealed" })).toBeVisible();
  await page.getByRole("link", { name: "Back to the export page" }).click();
  await expect(page.getByText("owner@sample.test").last()).toBeVisible();

  await page.getByRole("link", { name: "Verify a file" }).click();
  await waitForHydration(page);
  await page.locator("input[type=file]").setInputFiles(path);
  await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible();
  await expect(page.locator("section.is-success")).toContainText("It is the export that owner@sample.test requested on");
  await expect(page.locator("section.is-success")).toContainText("It is a part of the database, chosen by organization: ");
  await page.getByRole("link", { name: "Organisation export" }).click();
  await expect(page.getByRole("button", { name: button })).toBeVisible();
});

test("an owner of several organisations chooses one", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("chat"), storageState: session("two.owners", "chat") });
  const page = await context.newPage();
  await page.goto(ORGANIZATION_EXPORT);
  const links = page.getByRole("main").locator("ul.tools a");
  await expect(links).toHaveCount(2);
  const name = await links.first().textContent();
  await expectAccessible(page);
  await links.first().click();
  await expect(page.getByRole("heading", { name: name!.trim(), exact: true })).toBeVisible();
  await expect(page.getByText("None yet.")).toBeVisible();
  await context.close();
});

test("a member is told whose page it is", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("chat"), storageState: session("member", "chat") });
  const page = await context.newPage();
  const answer = await page.goto(ORGANIZATION_EXPORT);
  expect(answer!.status()).toBe(403);
  await expect(page.getByText("Only the owners of an organisation may export it.")).toBeVisible();
  await expectAccessible(page);
  await context.close();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds no violations on the page of an owner in ${colorScheme}, and it fits 320 px`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(ORGANIZATION_EXPORT);
    await expect(page.getByRole("button", { name: button })).toBeVisible();
    await expectAccessible(page);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
}
