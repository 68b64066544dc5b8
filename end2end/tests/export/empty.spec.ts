import { readVerifiedExport } from "../../fixtures/files.ts";
import { session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test.use({ baseURL: url("empty"), storageState: session("admin", "empty") });
test.describe.configure({ mode: "serial" });

test("before the first export, the history page says what it will list", async ({ page }) => {
  await page.goto("/admin/developer-tools/export/history");
  await expect(page.getByRole("heading", { name: "No export yet" })).toBeVisible();
  await expectAccessible(page);
});

test("a database without records exports to a valid file", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const file = await readVerifiedExport(download);
  expect(file.data.incidents).toEqual([]);
});
