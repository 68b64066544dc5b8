import { readFileSync } from "node:fs";
import { readVerifiedExport } from "../../fixtures/files.ts";
import { session, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, waitForHydration, test } from "../../fixtures/test.ts";
import { ExportPage } from "../../pages/export-page.ts";

const VERIFY = "/admin/developer-tools/export/verify";

test("the page's verifier accepts a whole file, names what is wrong with others, and uploads nothing", async ({ page }) => {
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
  await expect(page.getByRole("heading", { name: "Whole and unaltered" })).toBeVisible();
  await expect(page.locator("section.is-success")).toContainText("This console has signed it. It is the export that system.admin@sample.test asked for on");
  await expect(page.getByTestId("sha256")).toHaveText(file.sha256);
  await expectAccessible(page);

  // A changed file can be sealed again, but not signed.
  const text = bytes.toString("utf8");
  const unsigned = Buffer.from(text.replace(/,"signature":\{[^}]*\}/, ""));
  await check(unsigned);
  await expect(page.getByRole("heading", { name: "Whole", exact: true })).toBeVisible();
  await expect(page.getByRole("region", { name: "Result" })).toContainText("It is not signed");
  await expect(page.locator("section.is-success")).toHaveCount(0);
  const signature = text.lastIndexOf('"ed25519":"') + 15;
  const forged = Buffer.from(text.slice(0, signature) + (text[signature] === "A" ? "B" : "A") + text.slice(signature + 1));
  await check(forged);
  await expect(page.locator("section.is-error")).toContainText("the signature was changed, or is another file's");

  await check(bytes.subarray(0, bytes.length - 100_000));
  await expect(page.getByRole("heading", { name: "Not whole" })).toBeVisible();
  await expect(page.locator("section.is-error")).toContainText(/cut off at line \d+, in table/);
  await expectAccessible(page);

  const flipped = Buffer.from(bytes);
  flipped[Math.floor(bytes.length / 2)] ^= 1;
  await check(flipped);
  await expect(page.locator("section.is-error")).toContainText(/bytes were changed in table|damaged at line/);

  await check(Buffer.from("hello\n"));
  await expect(page.locator("section.is-error")).toContainText("not a Waybill snapshot");
  expect(sent).toEqual([]);
});

test("a dropped file of hundreds of megabytes is read slice by slice", async ({ browser }) => {
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
  await expect(page.getByRole("heading", { name: "Whole and unaltered" })).toBeVisible({ timeout: 50_000 });
  await context.close();
});

test("of two files that are chosen one after the other, the later one is meant", async ({ browser }) => {
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
  await expect(page.locator("section.is-error")).toContainText("not a Waybill snapshot");
  await page.waitForTimeout(3_000);
  await expect(page.locator("section.is-error")).toContainText("not a Waybill snapshot");
  await context.close();
});
