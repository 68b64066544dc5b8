// A database without a profile, one that has drifted from its profile, and one in PostgreSQL.

import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { readVerifiedExport } from "../../fixtures/files.ts";
import { PROGRAM, session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

test.describe("without a profile", () => {
  test.use({ baseURL: url("profileless"), storageState: session("admin", "profileless") });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`the page says that the classification is a guess and lists every guess, in ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      const exportPage = new ExportPage(page);
      await exportPage.open();
      await waitForHydration(page);
      await expect(page.getByRole("heading", { name: "The classification here is a guess" })).toBeVisible();
      await page.getByText("9 columns guessed, 1 as secret").click();
      await expect(page.getByText("customers.api_key")).toBeVisible();
      await expect(page.locator("code", { hasText: "--profile" })).toHaveCount(0);
      await expectAccessible(page);
    });
  }

  test("columns guessed as secret are left out of the file", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
    const file = await readVerifiedExport(download);
    expect(Object.keys(file.data.customers[0])).toEqual(["id", "full_name", "email", "tier"]);
    expect(file.name).toMatch(/^own-export-/);
  });

  test("the setup page is closed once accounts exist", async ({ page }) => {
    await page.goto("/setup");
    await expect(page.getByRole("alert")).toContainText("accounts to sign in with already exist");
    await expectAccessible(page);
  });
});

test.describe("drifted from its profile", () => {
  test.use({ baseURL: url("drifted"), storageState: session("admin", "drifted") });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`the page lists every difference with the line to add, in ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      const exportPage = new ExportPage(page);
      await exportPage.open();
      const panel = page.getByRole("region", { name: "Database and profile differ" });
      await expect(panel.getByText('two_factor_secret = { class = "secret", type = "TEXT" }')).toBeVisible();
      await expect(panel.getByText("is not in the database. Did you mean sites.updated_on?")).toBeVisible();
      await expect(panel.getByText("webhooks", { exact: true })).toBeVisible();
      await waitForHydration(page);
      await expectAccessible(page);
    });

    test(`a finished export says first what it left out, and so does the history, in ${colorScheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      const exportPage = new ExportPage(page);
      await exportPage.open();
      await waitForHydration(page);
      const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
      const result = page.getByRole("region", { name: "Result" });
      await expect(result.getByRole("heading")).toHaveText(
        "Complete, without 1 table and 2 columns that the profile does not know, without 1 column that the database no longer has",
      );
      await expect(result).toContainText("Left out, unknown to the profile: webhooks, users.two_factor_secret, sites.updated_on.");
      await expectAccessible(page);
      const file = await readVerifiedExport(download);
      expect(Object.keys(file.data)).not.toContain("webhooks");
      await page.goto("/admin/developer-tools/export/history");
      const newest = page.getByRole("row").nth(1);
      await expect(newest).toContainText("Complete, with drift");
      await expect(newest).toContainText("No longer in the database: sites.updated_at.");
      await expectAccessible(page);
    });
  }
});

test.describe("in PostgreSQL", () => {
  test.use({ baseURL: url("postgres"), storageState: session("admin", "postgres") });

  test("the page names engine and version, and the file is complete @smoke", async ({ page }) => {
    const exportPage = new ExportPage(page);
    await exportPage.open();
    await waitForHydration(page);
    await expect(page.getByText(/supportsignal · PostgreSQL \d+/)).toBeVisible();
    const shown = await exportPage.records.textContent();
    const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
    const file = await readVerifiedExport(download);
    expect(file.records.toLocaleString("en-US")).toBe(shown);
  });

  for (const compression of ["gzip", "zstd"] as const) {
    test(`a file compressed with ${compression} is small, has the right suffix and passes verification`, async ({ page }) => {
      const exportPage = new ExportPage(page);
      await exportPage.open();
      await waitForHydration(page);
      await page.getByLabel("Compression").selectOption(compression);
      const suffix = compression === "gzip" ? ".json.gz" : ".json.zst";
      await expect(page.locator("code.file")).toContainText(suffix);
      await expect(page.locator("p.command", { hasText: "The same on the command line" })).toContainText(`--compress ${compression}`);
      const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
      expect(download.suggestedFilename().endsWith(suffix)).toBe(true);
      const path = await download.path();
      expect(statSync(path).size).toBeLessThan(1_500_000);
      const digest = (await exportPage.digest.textContent()) ?? "";
      await page.goto("/admin/developer-tools/export/verify");
      await waitForHydration(page);
      await page.locator("input[type=file]").setInputFiles(path);
      await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible();
      await expect(page.getByTestId("sha256")).toHaveText(digest);
      const bytes = readFileSync(path);
      for (const damaged of [bytes.subarray(0, -1), Buffer.concat([bytes, bytes]), bytes.map((byte, at) => (at === 5000 ? byte ^ 1 : byte))]) {
        await page.locator("input[type=file]").setInputFiles({ name: `x${suffix}`, mimeType: "application/octet-stream", buffer: Buffer.from(damaged) });
        await expect(page.getByRole("heading", { name: "Verification failed" })).toBeVisible();
        await page.locator("input[type=file]").setInputFiles(path);
        await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible();
      }
    });
  }
});
