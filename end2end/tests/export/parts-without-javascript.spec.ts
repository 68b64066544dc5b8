// Choosing a part of the database, without JavaScript.

import { readVerifiedExport } from "../../fixtures/files.ts";
import { session, url } from "../../fixtures/servers.ts";
import { expect, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test("without JavaScript a form leads to the part's address, and the button exports it", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  const companies = await exportPage.openFilter("Company");
  await companies.getByRole("checkbox").first().check();
  await page.getByLabel("From").fill("2020-01-01");
  await page.getByRole("checkbox", { name: "incidents", exact: true }).check();
  await page.getByRole("button", { name: "Show this part" }).click();
  await expect(page).toHaveURL(/\?company=[^&]+&period=2020-01-01\.\.&tables=incidents$/);
  await expect(exportPage.chips).toHaveCount(3);
  await expect(page.getByLabel("From")).toHaveValue("2020-01-01");
  const shown = await exportPage.records.textContent();
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  expect((await readVerifiedExport(download)).records.toLocaleString("en-US")).toBe(shown);
  await exportPage.open("?tables=incidents&period=2020-01-01..");
  await exportPage.chips.filter({ hasText: "Period" }).click();
  await expect(page).toHaveURL(/\?tables=incidents$/);
  await page.getByRole("link", { name: "Export the full database instead" }).click();
  await expect(exportPage.chips).toHaveCount(0);
});

test("without JavaScript a name that nobody has, and a choice without records, say so and offer no button", async ({ page, consoleErrors }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open("?company=Nobody");
  await expect(page.getByRole("alert")).toContainText("no record has the key or the name `Nobody`");
  await expect(exportPage.button).toHaveCount(0);
  expect(consoleErrors.splice(0).join()).toMatch(/^([^,]*status of 400[^,]*,?)+$/);
  await exportPage.open("?period=..1990-01-01");
  await expect(page.getByRole("heading", { name: "Nothing matches this choice" })).toBeVisible();
  await expect(exportPage.button).toHaveCount(0);
});

test.describe("with 10,000 companies", () => {
  test.use({ baseURL: url("companies"), storageState: session("admin", "companies") });

  test("without JavaScript a company is found by searching, or named", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    let companies = await exportPage.openFilter("Company");
    await expect(companies.getByText("and 9,980 more: type to search")).toBeVisible();
    await companies.getByRole("searchbox").fill("<script>");
    await companies.getByRole("button", { name: "Search" }).click();
    await expect(page).toHaveURL(/\?find\.company=%3Cscript%3E$/);
    companies = await exportPage.openFilter("Company");
    await expect(companies.getByRole("checkbox")).toHaveCount(1);
    await companies.getByRole("checkbox").check();
    await companies.getByRole("searchbox").fill("");
    await companies.getByLabel("Name or key").fill("O'Brien \"& Sons\" 100%_&company=x");
    await page.getByRole("button", { name: "Show this part" }).click();
    await expect(exportPage.chips).toHaveCount(2);
    await expect(exportPage.chips.filter({ hasText: "<script>document.title" })).toBeVisible();
    expect(await page.title()).toBe("Database export · Waybill");
  });
});
