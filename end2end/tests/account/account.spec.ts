// The account page, on the server whose accounts Waybill manages. Serial: each test continues where the previous one ended.

import { createHmac } from "node:crypto";
import { type Page } from "@playwright/test";
import { PASSWORD, url } from "../../fixtures/servers.ts";
import { expect, expectAccessible, test } from "../../fixtures/test.ts";

const ACCOUNT = "/admin/account";
const NAME = "grace";
const NEW_PASSWORD = "seven quiet lighthouses at noon";

test.use({ baseURL: url("profileless"), storageState: { cookies: [], origins: [] } });
test.describe.configure({ mode: "serial" });

let letters = "";
let recovery = "";

/** The current TOTP code (RFC 6238), as an authenticator app computes it. */
function code(): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...letters].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const digest = createHmac("sha1", key).update(step).digest();
  const at = digest[19] & 15;
  return ((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).toString().padStart(6, "0");
}

async function signIn(page: Page, password: string) {
  await page.goto(`/login?next=${ACCOUNT}`);
  await page.getByLabel("E-mail address or name").fill(NAME);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("changing the password requires the current one", async ({ page }) => {
  await signIn(page, PASSWORD);
  const change = async (now: string, next: string, again: string) => {
    await page.getByLabel("Current password").fill(now);
    await page.getByLabel("New password, at least 15 characters").fill(next);
    await page.getByLabel("Repeat the new password").fill(again);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await change("guess", NEW_PASSWORD, NEW_PASSWORD);
  await expect(page.getByRole("alert")).toHaveText("This is not your password.");
  await change(PASSWORD, "passwordpassword", "passwordpassword");
  await expect(page.getByRole("alert")).toContainText("easy to guess");
  await change(PASSWORD, NEW_PASSWORD, `${NEW_PASSWORD}!`);
  await expect(page.getByRole("alert")).toContainText("not the same");
  await expectAccessible(page);
  await change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD);
  await expect(page.getByRole("status")).toContainText("Your password has been changed");
});

test("a second factor is set up and gives recovery codes", async ({ page }) => {
  await signIn(page, NEW_PASSWORD);
  await page.getByLabel("Your password").fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Set it up" }).click();
  await expect(page.getByRole("img", { name: "QR code" })).toBeVisible();
  letters = ((await page.locator("code.shared-secret").textContent()) ?? "").replaceAll(" ", "");
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  await page.getByRole("textbox", { name: "Code" }).fill("000000");
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByRole("alert")).toContainText("This code is wrong");
  await page.getByRole("textbox", { name: "Code" }).fill(code());
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByRole("heading", { name: "Your recovery codes" })).toBeVisible();
  const codes = page.locator(".recovery-codes code");
  await expect(codes).toHaveCount(10);
  recovery = (await codes.first().textContent()) ?? "";
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  await expectAccessible(page);
});

test("the second step accepts a recovery code and rejects a wrong code", async ({ page }) => {
  await signIn(page, NEW_PASSWORD);
  await expect(page.getByRole("heading", { name: "Second step" })).toBeVisible();
  await page.getByRole("textbox", { name: "Code" }).fill("123456");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert")).toContainText("This code is wrong");
  await expectAccessible(page);
  await page.getByRole("textbox", { name: "Code" }).fill(recovery.toLowerCase());
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByText("You have 9 recovery codes left.")).toBeVisible();
  await page.getByText("Remove the second factor").click();
  await page.getByLabel("Your password").last().fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByRole("status")).toContainText("The second factor has been removed");
});
