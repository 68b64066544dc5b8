import { execFileSync } from "node:child_process";
import { PROGRAM, session, url } from "../../fixtures/servers.ts";
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

test("a page that may no longer follow its run says so, and does not freeze", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  // As after signing out elsewhere: that would end the sessions of all tests.
  await page.route("**/api/v1/exports/*/events", (route) => route.fulfill({ status: 401 }));
  await exportPage.button.click();
  await expect(page.getByText("This page can no longer follow the export").first()).toBeVisible();
  await expect(page.getByRole("region", { name: "Export in progress" })).toBeHidden();
  await page.unroute("**/api/v1/exports/*/events");
  await page.reload();
  await exportPage.cancel.click();
  await expect(exportPage.result("Cancelled")).toBeVisible();
});
