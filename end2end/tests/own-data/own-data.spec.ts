import { execFileSync } from "node:child_process";
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { MEDIA, OWN_DATA, PROGRAM, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, test, waitForHydration } from "../../fixtures/test.ts";

test.use({ baseURL: url("people"), storageState: session("carol", "people") });

const button = "Export my data";
const entries = (path: string) => execFileSync("tar", ["tzf", path], { encoding: "utf8" }).trim().split("\n");
const entry = (path: string, name: string) => execFileSync("tar", ["xzOf", path, name], { encoding: "utf8" });

test("a person exports their data, and checks the file on the page @smoke", async ({ page }) => {
  await page.goto("/admin");
  await expect(page.getByRole("link", { name: /Database export/ })).toHaveCount(0);
  await page.getByRole("link", { name: /Your data/ }).click();
  const records = Number(await page.getByTestId("records").textContent());
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
  expect(download.suggestedFilename()).toMatch(/^carol-export-\d{4}-\d\d-\d\d\.tar\.gz$/);
  const path = await download.path();
  expect(entries(path)[0]).toBe("manifest.yaml");
  expect(entries(path).at(-1)).toBe("waybill.json");
  expect(entry(path, "manifest.yaml")).toContain('appVersion: "3.1"');
  expect(entry(path, "profiles.yaml")).toContain("of-user-0-only");
  expect(execFileSync(PROGRAM, ["verify", path]).toString()).toMatch(new RegExp(`^unaltered: ${records} records`));
  await expect(page.getByRole("heading", { name: "Complete and sealed" })).toBeVisible();

  await page.getByRole("link", { name: "Verify a file" }).click();
  await waitForHydration(page);
  await page.locator("input[type=file]").setInputFiles(path);
  await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible();
  await expect(page.locator("section.is-success")).toContainText("It is the export that carol@sample.test requested on");
  await page.getByRole("link", { name: "Your data" }).click();
  await expect(page.getByRole("link", { name: /Download/ })).toBeVisible();
});

test("the address of the application answers with the file", async ({ page }) => {
  await page.goto(OWN_DATA);
  const [download] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => void (location.href = "/api/export"))]);
  expect(entries(await download.path())).toContain("people.yaml");
});

test("an export that has ended before its page is there is downloaded all the same, once", async ({ page }) => {
  const asked = await page.request.post("/rpc/request_own_data", { headers: { accept: "text/html" }, maxRedirects: 0 });
  const address = asked.headers().location;
  await expect(async () => expect(await (await page.request.get(address)).text()).toContain("Complete and sealed")).toPass();
  const [download] = await Promise.all([page.waitForEvent("download"), page.goto(address)]);
  expect(entries(await download.path())).toContain("people.yaml");
  // Loaded again, it is only looked at.
  let downloads = 0;
  page.on("download", () => downloads++);
  await page.reload();
  await waitForHydration(page);
  expect(downloads).toBe(0);
  await expect(page.getByRole("heading", { name: "Complete and sealed" })).toBeVisible();
});

test("a missing file is told, and the rest is there", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("people"), storageState: session("mehmet", "people") });
  const page = await context.newPage();
  const files = readdirSync(MEDIA).map((name) => join(MEDIA, name));
  files.forEach((path) => renameSync(path, `${path}.away`));
  try {
    await page.goto(OWN_DATA);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button }).click()]);
    await expect(page.getByRole("heading", { name: "Complete, with 8 gaps" })).toBeVisible();
    await expect(page.getByText(/Files that are not in it, such as: photo\.png \(.*, missing\)/)).toBeVisible();
    await expectAccessible(page);
    expect(entry(await download.path(), "manifest.yaml")).toContain('"reason": "missing"');
  } finally {
    files.forEach((path) => renameSync(`${path}.away`, path));
  }
  await context.close();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds no violations on the page of a person in ${colorScheme}, and it fits 320 px`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await page.goto(OWN_DATA);
    await page.getByText("What the file has (").click();
    await expect(page.getByRole("row", { name: /Person notes/ })).toBeVisible();
    await expectAccessible(page);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
}
