// Page object of the export page.

import { expect, type Page } from "@playwright/test";
import { EXPORT } from "../fixtures/servers.ts";

export class ExportPage {
  constructor(readonly page: Page) {}

  async open(query = "") {
    await this.page.goto(EXPORT + query);
    await expect(this.page.getByRole("heading", { name: "Database export" })).toBeVisible();
  }

  get button() {
    return this.page.getByRole("button", { name: /Export (Full Database|again)/ });
  }

  get cancel() {
    return this.page.getByRole("button", { name: "Cancel" });
  }

  get records() {
    return this.page.getByTestId("records");
  }

  get digest() {
    return this.page.getByTestId("sha256");
  }

  result(title: string) {
    return this.page.getByRole("heading", { name: title });
  }
}
