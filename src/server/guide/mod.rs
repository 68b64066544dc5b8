//! The analysis guide: one Markdown text with prompts for the application, for the panel, the page and `waybill guide`.
//!
//! May import: `profile::builtin`. Flow: `markdown` fills in prompts and the file's name; `html` renders it.

use pulldown_cmark::{Options, Parser, html::push_html};

use super::profile::builtin;

const GUIDE: &str = include_str!("guide.md");
/// Examples and prompts, separated by a line of dashes, for an application without a text of its own.
const GENERIC: &str = include_str!("any.md");

/// Returns the guide as Markdown, for a file of this name and the application of this profile.
#[must_use]
pub fn markdown(file_name: &str, profile: &str) -> String {
    let sections = builtin::find(profile).map_or(GENERIC, |product| product.guide);
    let (examples, prompts) =
        sections.split_once("---\n").unwrap_or_else(|| unreachable!("compiled in, with a line of dashes"));
    GUIDE.replace("{examples}", examples).replace("{prompts}", &format!("{prompts}\n")).replace("{file}", file_name)
}

/// Returns the guide as HTML. The text is compiled in, so only the file name is sanitised.
#[must_use]
pub fn html(file_name: &str, profile: &str) -> String {
    let safe: String = file_name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let text = markdown(&safe, profile);
    let mut html = String::with_capacity(text.len() * 2);
    push_html(&mut html, Parser::new_ext(&text, Options::ENABLE_TABLES));
    // A table or command wider than the screen scrolls in its own box, also by keyboard.
    html.replace("<pre>", "<pre tabindex=\"0\">")
        .replace("<table>", "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>")
        .replace("</table>", "</table></div>")
}
