//! Whether a file could run code where an application shows it, whatever its name says.

/// How much of a file tells.
pub const HEAD_BYTES: usize = 512;

/// What browsers run scripts in, besides every XML.
const ACTIVE_TYPES: [&str; 6] =
    ["text/html", "text/xml", "application/xml", "text/javascript", "application/javascript", "application/ecmascript"];
/// What browsers take for HTML or XML when they look at the content (WHATWG MIME Sniffing, 7.1), where the tag ends.
const ACTIVE_TAGS: [&[u8]; 17] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<script",
    b"<iframe",
    b"<h1",
    b"<div",
    b"<font",
    b"<table",
    b"<a",
    b"<style",
    b"<title",
    b"<b",
    b"<body",
    b"<br",
    b"<p",
    b"<svg",
];
/// The same, whatever follows.
const ACTIVE_BEGINNINGS: [&[u8]; 2] = [b"<!--", b"<?xml"];
/// How files of these types begin (WHATWG MIME Sniffing, 6.1).
const IMAGES: [(&str, &[u8]); 4] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// Why the file is not taken, as half a sentence.
pub fn find_risk(content_type: &str, head: &[u8]) -> Option<&'static str> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if ACTIVE_TYPES.contains(&essence.as_str()) || essence.ends_with("+xml") {
        return Some("is of a type that can run code in a browser");
    }
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let after = |with: &[u8]| {
        start.get(..with.len()).filter(|own| own.eq_ignore_ascii_case(with)).map(|_| &start[with.len()..])
    };
    let is_tag =
        |tag: &[u8]| after(tag).is_some_and(|rest| rest.first().is_none_or(|next| b" >/\t\n\r\x0c".contains(next)));
    if ACTIVE_TAGS.iter().any(|tag| is_tag(tag)) || ACTIVE_BEGINNINGS.iter().any(|beginning| after(beginning).is_some())
    {
        return Some("has a content that can run code in a browser");
    }
    let image = IMAGES.iter().find(|(name, _)| *name == essence);
    image.filter(|(_, beginning)| !head.starts_with(beginning)).map(|_| "is not what its type says")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_could_run_code_are_told_whatever_they_are_called() {
        for (content_type, head) in [
            ("image/svg+xml", &b"<svg>"[..]),
            ("Text/HTML; charset=utf-8", b"hello"),
            ("application/xhtml+xml", b""),
            ("image/png", b"\xef\xbb\xbf <ScRipt>"),
            ("text/plain", b"\n<!DOCTYPE html>"),
            ("application/octet-stream", b"<?xml version=\"1.0\"?><svg>"),
            ("image/png", b"GIF89a"),
            ("image/jpeg", b""),
        ] {
            assert!(find_risk(content_type, head).is_some(), "{content_type}");
        }
        for (content_type, head) in [
            ("image/png", &b"\x89PNG\r\n\x1a\n0"[..]),
            ("application/pdf", b"%PDF-1.7"),
            ("text/plain", b"<adam@example.org>"),
            ("image/heic", b"\0\0\0\x18ftypheic"),
        ] {
            assert_eq!(find_risk(content_type, head), None, "{content_type}");
        }
    }
}
