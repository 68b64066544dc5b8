import { execFileSync } from "node:child_process";
import { readVerifiedExport } from "../../fixtures/files.ts";
import { PROGRAM } from "../../fixtures/servers.ts";
import { expect, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test("the admin clicks Export Full Database and gets a complete, sealed file @smoke", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const shown = await exportPage.records.textContent();
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  expect(download.suggestedFilename()).toMatch(/^supportsignal-db-export-\d{4}-\d\d-\d\d-\d{4}\.json$/);
  const file = await readVerifiedExport(download);
  expect(file.records.toLocaleString("en-US")).toBe(shown);
  await expect(exportPage.result("Complete and sealed")).toBeVisible();
  await expect(exportPage.digest).toHaveText(file.sha256);
  expect(Object.keys(file.data.users[0])).not.toContain("password");
  const verdict = execFileSync(PROGRAM, ["verify", file.path, "--sha256", file.sha256]).toString();
  expect(verdict).toContain(`: ${shown} records in 22 tables`);
});

test("the result stays after a reload and the file can be downloaded again", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const [first] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const { sha256 } = await readVerifiedExport(first);
  await page.reload();
  await waitForHydration(page);
  await expect(exportPage.digest).toHaveText(sha256);
  const [again] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download again" }).click()]);
  expect((await readVerifiedExport(again)).sha256).toBe(sha256);
});

test("a toast reports the result", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  await expect(page.locator(".toast")).toContainText("Complete and sealed.");
  await page.locator(".toast").getByRole("button", { name: "Close" }).click();
  await expect(page.locator(".toast")).toHaveCount(0);
});

test("Refresh takes a new preview without leaving the page", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const before = await page.locator("time").first().textContent();
  await page.waitForTimeout(1_500);
  await page.getByRole("button", { name: "Refresh" }).click();
  await expect(page.locator("time").first()).not.toHaveText(before ?? "");
  expect(page.url()).not.toContain("refresh");
});

test("the guide names this export's file", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await page.getByText("How to analyse the file").click();
  await expect(page.getByRole("heading", { name: "Basic workflow" })).toBeVisible();
  await expect(page.getByText(/waybill verify supportsignal-db-export-/).first()).toBeVisible();
});

test("history lists the export with its digest", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const { sha256 } = await readVerifiedExport(download);
  await page.getByRole("link", { name: "History" }).click();
  const newest = page.locator("tbody tr").first();
  await expect(newest).toContainText("Complete");
  await expect(newest).toContainText("system.admin@sample.test");
  await expect(newest).toContainText(sha256.slice(0, 8));
});
