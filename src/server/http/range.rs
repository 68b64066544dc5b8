//! Range requests (RFC 9110, section 14).

use axum::http::{HeaderMap, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    /// First and last byte, both included.
    Part(u64, u64),
    /// A range outside the file: not satisfiable.
    Nothing,
}

/// Parses `Range` and `If-Range`. Multiple ranges, other units and ranges of another version get the complete file.
pub fn wanted(headers: &HeaderMap, bytes: u64, etag: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|version| version != etag) {
        return Wanted::Whole;
    }
    let range = text(header::RANGE).and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.filter(|range| !range.contains(',')).and_then(|range| range.split_once('-')) else {
        return Wanted::Whole;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Wanted::Whole,
        (Ok(first), _) if first >= bytes => Wanted::Nothing,
        (Ok(first), Ok(last)) => Wanted::Part(first, last.min(bytes - 1)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Wanted::Part(first, bytes - 1),
        (Err(_), Ok(0)) if first.trim().is_empty() => Wanted::Nothing,
        (Err(_), Ok(tail)) if first.trim().is_empty() && bytes > 0 => {
            Wanted::Part(bytes.saturating_sub(tail), bytes - 1)
        }
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(range: &str) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, 100, "\"a\"")
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        assert_eq!(of("bytes=0-9"), Wanted::Part(0, 9));
        assert_eq!(of("bytes=90-"), Wanted::Part(90, 99));
        assert_eq!(of("bytes=90-500"), Wanted::Part(90, 99));
        assert_eq!(of("bytes=-10"), Wanted::Part(90, 99));
        assert_eq!(of("bytes=-1000"), Wanted::Part(0, 99));
        assert_eq!(of("bytes=100-"), Wanted::Nothing);
        assert_eq!(of("bytes=-0"), Wanted::Nothing);
        for odd in ["bytes=9-0", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=-"] {
            assert_eq!(of(odd), Wanted::Whole, "{odd}");
        }
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole_file() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=5-"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"b\""));
        assert_eq!(wanted(&headers, 100, "\"a\""), Wanted::Whole);
    }
}
