import { readFileSync } from "node:fs";
import { readVerifiedExport } from "../../fixtures/files.ts";
import { session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

const VERIFY = "/admin/developer-tools/export/verify";

test("the verify page accepts an intact file, says what is wrong with others, and uploads nothing", async ({ page }) => {
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const file = await readVerifiedExport(download);
  const bytes = readFileSync(file.path);
  await page.goto(VERIFY);
  await waitForHydration(page);
  const sent: string[] = [];
  page.on("request", (request) => {
    // Only the seal's digest of a valid file is looked up; nothing else is sent.
    const isLookUp = request.url().endsWith("/rpc/recognise_file") && request.postData() === `sha256=${file.sha256}`;
    const isProgram = request.method() === "GET" && /\/(icons\.svg|check-file\.js|pkg\/verifier\.(js|wasm))$/.test(request.url());
    if (!isLookUp && !isProgram) sent.push(request.url());
  });
  const check = async (buffer: Buffer) => {
    await page.locator("input[type=file]").setInputFiles({ name: "export.json", mimeType: "application/json", buffer });
  };

  await check(bytes);
  await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible();
  await expect(page.locator("section.is-success")).toContainText("Signed by this console. It is the export that system.admin@sample.test requested on");
  await expect(page.getByTestId("sha256")).toHaveText(file.sha256);
  await expectAccessible(page);

  // A changed file can be sealed again, but not signed.
  const text = bytes.toString("utf8");
  const unsigned = Buffer.from(text.replace(/,"signature":\{[^}]*\}/, ""));
  await check(unsigned);
  await expect(page.getByRole("heading", { name: "Complete", exact: true })).toBeVisible();
  await expect(page.getByRole("region", { name: "File" })).toContainText("It is not signed");
  await expect(page.locator("section.is-success")).toHaveCount(0);
  const signature = text.lastIndexOf('"ed25519":"') + 15;
  const forged = Buffer.from(text.slice(0, signature) + (text[signature] === "A" ? "B" : "A") + text.slice(signature + 1));
  await check(forged);
  await expect(page.locator("section.is-error")).toContainText("the signature was changed, or belongs to another file");

  await check(bytes.subarray(0, bytes.length - 100_000));
  await expect(page.getByRole("heading", { name: "Verification failed" })).toBeVisible();
  await expect(page.locator("section.is-error")).toContainText(/cut off at line \d+, in table/);
  await expectAccessible(page);

  const flipped = Buffer.from(bytes);
  flipped[Math.floor(bytes.length / 2)] ^= 1;
  await check(flipped);
  await expect(page.locator("section.is-error")).toContainText(/bytes were changed in table|damaged at line/);

  await check(Buffer.from("hello\n"));
  await expect(page.locator("section.is-error")).toContainText("not a Waybill export");
  expect(sent).toEqual([]);
});

test("a file of hundreds of megabytes is verified", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("large"), storageState: session("admin", "large") });
  const page = await context.newPage();
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  const path = await download.path();
  await page.goto(VERIFY);
  await waitForHydration(page);
  await page.locator("input[type=file]").setInputFiles(path);
  await expect(page.getByRole("heading", { name: "Complete and unaltered" })).toBeVisible({ timeout: 50_000 });
  await context.close();
});

test("choosing a second file replaces the check of the first", async ({ browser }) => {
  const context = await browser.newContext({ baseURL: url("large"), storageState: session("admin", "large") });
  const page = await context.newPage();
  const exportPage = new ExportPage(page);
  await exportPage.open();
  await waitForHydration(page);
  const [download] = await Promise.all([page.waitForEvent("download"), exportPage.button.click()]);
  await page.goto(VERIFY);
  await waitForHydration(page);
  await page.locator("input[type=file]").setInputFiles(await download.path());
  await page.locator("input[type=file]").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("hello\n") });
  await expect(page.locator("section.is-error")).toContainText("not a Waybill export");
  await page.waitForTimeout(3_000);
  await expect(page.locator("section.is-error")).toContainText("not a Waybill export");
  await context.close();
});
