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
    return this.page.getByRole("button", { name: /^Export (Full Database|again|[\d,]+ records?|this part)$/ });
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

  /** A filter's list of choices, opened. */
  async openFilter(label: string) {
    const filter = this.page.locator("details.choice", { has: this.page.getByText(label, { exact: true }) });
    if ((await filter.getAttribute("open")) === null) await filter.locator("summary").click();
    return filter;
  }

  /** What is chosen, as removable chips. */
  get chips() {
    return this.page.locator("a.chip");
  }

  result(title: string) {
    return this.page.getByRole("heading", { name: title });
  }
}
