import { execFileSync } from "node:child_process";
import { ADMIN, PASSWORD, PROGRAM, session, url } from "../../fixtures/servers.ts";
import { expect, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test.use({ baseURL: url("large"), storageState: session("admin", "large") });
test.describe.configure({ mode: "serial" });

test("a run can be cancelled, and nothing is downloaded", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await exportPage.button.click();
  await exportPage.cancel.click();
  await expect(exportPage.result("Cancelled")).toBeVisible();
  await expect(exportPage.button).toBeVisible();
});

test("progress shows table, records, bytes, rate and time left, and a reloaded page continues to follow the run", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await exportPage.button.click();
  const panel = page.getByRole("region", { name: "Export in progress" });
  await expect(panel.getByRole("heading")).toContainText(/Exporting \w+/);
  await expect(panel).toContainText(/Records [\d,]+ of [\d,]+/);
  await expect(panel).toContainText(/Rate .*\/s/);
  await page.reload();
  const download = await page.waitForEvent("download");
  // Longer than any JavaScript string can be, so Waybill reads it.
  const verdict = JSON.parse(execFileSync(PROGRAM, ["verify", "--json", await download.path()]).toString());
  expect(verdict.complete).toBe(true);
  expect(verdict.records).toBeGreaterThan(1_000_000);
  await expect(exportPage.digest).toHaveText(verdict.sha256);
});

test("a page whose session ends elsewhere says so, and does not freeze", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("large"), storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await page.goto("/login");
  await page.getByLabel("E-mail address or name").fill(ADMIN);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await exportPage.button.click();
  await expect(page.getByRole("region", { name: "Export in progress" })).toBeVisible();
  const elsewhere = await context.newPage();
  await elsewhere.goto("/admin/account");
  await elsewhere.getByRole("button", { name: "Sign out" }).first().click();
  await expect(elsewhere).toHaveURL(/login/);
  await expect(page.getByText("This page can no longer follow the export").first()).toBeVisible({ timeout: 10_000 });
  await expect(page.getByRole("region", { name: "Export in progress" })).toBeHidden();
  await context.close();
});
