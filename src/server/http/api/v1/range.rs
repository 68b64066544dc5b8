//! Range requests (RFC 9110, section 14).

use axum::http::{HeaderMap, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    Full,
    /// First and last byte, both included.
    Partial(u64, u64),
    /// A range outside the file: not satisfiable.
    Unsatisfiable,
}

/// Parses `Range` and `If-Range`. Multiple ranges, other units and ranges of another version get the complete file.
pub fn parse_range(headers: &HeaderMap, file_bytes: u64, etag: &str) -> ByteRange {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|version| version != etag) {
        return ByteRange::Full;
    }
    let range = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.filter(|range| !range.contains(',')).and_then(|range| range.split_once('-')) else {
        return ByteRange::Full;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => ByteRange::Full,
        (Ok(first), _) if first >= file_bytes => ByteRange::Unsatisfiable,
        (Ok(first), Ok(last)) => ByteRange::Partial(first, last.min(file_bytes - 1)),
        (Ok(first), Err(_)) if last.trim().is_empty() => ByteRange::Partial(first, file_bytes - 1),
        (Err(_), Ok(0)) if first.trim().is_empty() => ByteRange::Unsatisfiable,
        (Err(_), Ok(suffix_length)) if first.trim().is_empty() && file_bytes > 0 => {
            ByteRange::Partial(file_bytes.saturating_sub(suffix_length), file_bytes - 1)
        }
        _ => ByteRange::Full,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(range: &str) -> ByteRange {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        parse_range(&headers, 100, "\"a\"")
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(of("bytes=0-9"), ByteRange::Partial(0, 9));
        assert_eq!(of("bytes=90-"), ByteRange::Partial(90, 99));
        assert_eq!(of("bytes=90-500"), ByteRange::Partial(90, 99));
        assert_eq!(of("bytes=-10"), ByteRange::Partial(90, 99));
        assert_eq!(of("bytes=-1000"), ByteRange::Partial(0, 99));
        assert_eq!(of("bytes=100-"), ByteRange::Unsatisfiable);
        assert_eq!(of("bytes=-0"), ByteRange::Unsatisfiable);
        for odd in ["bytes=9-0", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=-"] {
            assert_eq!(of(odd), ByteRange::Full, "{odd}");
        }
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole_file() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=5-"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"b\""));
        assert_eq!(parse_range(&headers, 100, "\"a\""), ByteRange::Full);
    }
}
