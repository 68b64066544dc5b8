//! Which files of somebody else's archive an application may show, whatever their names say.
//!
//! An application sends a file with the type that its record has. So that type is one of a list, and the content must agree with it.

/// How much of a file tells: browsers look at no more (WHATWG MIME Sniffing, 5.2).
pub const HEAD_BYTES: usize = 1_445;

/// What a file of another type becomes: browsers save it, and do not show it.
pub const OTHER: &str = "application/octet-stream";

/// Types that run no code, with how their files begin, if they all do (WHATWG MIME Sniffing, 6).
const KNOWN: [(&str, &[&[u8]]); 22] = [
    ("image/png", &[b"\x89PNG\r\n\x1a\n"]),
    ("image/jpeg", &[b"\xff\xd8\xff"]),
    ("image/gif", &[b"GIF87a", b"GIF89a"]),
    ("image/webp", &[b"RIFF"]),
    ("image/bmp", &[b"BM"]),
    ("image/tiff", &[b"II*\0", b"MM\0*"]),
    ("application/pdf", &[b"%PDF-"]),
    ("application/zip", &[b"PK"]),
    ("audio/mpeg", &[b"ID3", b"\xff"]),
    ("audio/ogg", &[b"OggS"]),
    ("audio/wav", &[b"RIFF"]),
    ("video/webm", &[b"\x1a\x45\xdf\xa3"]),
    ("image/avif", &[]),
    ("image/heic", &[]),
    ("audio/mp4", &[]),
    ("video/mp4", &[]),
    ("application/octet-stream", &[]),
    ("application/msword", &[b"\xd0\xcf\x11\xe0"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &[b"PK"]),
    ("text/plain", &[]),
    ("text/csv", &[]),
    ("text/markdown", &[]),
];

/// The type with which the file is kept: its own if that is one of the list, and nothing else is said with it.
pub fn kept_type(content_type: &str) -> &'static str {
    KNOWN.iter().find(|(known, _)| *known == content_type).map_or(OTHER, |(known, _)| known)
}

/// Whether the content of a file contradicts the type with which it is kept, or looks like markup.
pub fn is_disguised(kept_type: &str, head: &[u8]) -> bool {
    let begins = KNOWN.iter().find(|(known, _)| *known == kept_type).map_or(&[][..], |(_, begins)| begins);
    if !begins.is_empty() {
        return !begins.iter().any(|beginning| head.starts_with(beginning));
    }
    let is_brand = matches!(kept_type, "image/avif" | "image/heic" | "audio/mp4" | "video/mp4");
    // The other types are saved, or shown as the text that they are.
    is_brand && head.get(4..8) != Some(b"ftyp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_code_is_kept_as_something_to_save() {
        for active in [
            "text/html",
            "image/svg+xml",
            "text/plain, text/html",
            "text/plain;charset=utf-8, text/html",
            "text/xsl",
            "application/xhtml+xml",
            "IMAGE/PNG",
            "",
            "image/png ",
        ] {
            assert_eq!(kept_type(active), OTHER, "{active}");
        }
        assert_eq!(kept_type("image/png"), "image/png");
    }

    #[test]
    fn a_file_must_be_what_its_type_says() {
        for (kept, head) in [
            ("image/png", &b"<html>"[..]),
            ("image/png", b"GIF89a"),
            ("image/jpeg", b""),
            ("application/pdf", b" %PDF-1.7"),
            ("video/mp4", b"<svg xmlns"),
        ] {
            assert!(is_disguised(kept, head), "{kept}");
        }
        for (kept, head) in [
            ("image/png", &b"\x89PNG\r\n\x1a\n0"[..]),
            ("video/mp4", b"\0\0\0\x18ftypmp42"),
            ("text/plain", b"<a.b@example.org>"),
            (OTHER, b"<svg"),
        ] {
            assert!(!is_disguised(kept, head), "{kept}");
        }
    }
}
