//! Exact numbers, which PostgreSQL sends as groups of four decimal digits.

use super::digits::write_padded;

/// Keeps all digits and the scale (`numeric_send`: groups of four decimal digits).
pub fn write_numeric(bytes: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let (header, groups) = bytes.split_at_checked(8)?;
    let u16_at = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let weight = i64::from(i16::from_be_bytes([header[2], header[3]]));
    let (sign, scale) = (u16_at(4), usize::from(u16_at(6)));
    match sign {
        0x0000 => {}
        0x4000 => text.push(b'-'),
        0xC000 => text.extend_from_slice(b"NaN"),
        0xD000 => text.extend_from_slice(b"Infinity"),
        0xF000 => text.extend_from_slice(b"-Infinity"),
        _ => return None,
    }
    if sign >= 0xC000 {
        return Some(());
    }
    (groups.len() == usize::from(u16_at(0)) * 2).then_some(())?;
    let group = |index: i64| -> i64 {
        let at = usize::try_from(index).ok().and_then(|index| index.checked_mul(2));
        at.and_then(|at| groups.get(at..at + 2)).map_or(0, |pair| i64::from(u16::from_be_bytes([pair[0], pair[1]])))
    };
    write_padded(text, if weight < 0 { 0 } else { group(0) }, 1);
    for index in 1..=weight {
        write_padded(text, group(index), 4);
    }
    if scale > 0 {
        text.push(b'.');
        let end = text.len() + scale;
        // The first fractional group has index `weight + 1`; groups that are not stored are zero.
        let mut index = weight + 1;
        while text.len() < end {
            write_padded(text, group(index), 4);
            index += 1;
        }
        text.truncate(end);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8(text).unwrap()
    }

    /// The bytes that `numeric_send` would send.
    fn numeric_bytes(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> Vec<u8> {
        let head = [u16::try_from(groups.len()).unwrap(), weight.cast_unsigned(), sign, scale];
        head.iter().chain(groups).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_keep_their_digits_and_scale() {
        let cases: [(Vec<u8>, &str); 9] = [
            (numeric_bytes(0, 0, 0, &[]), "0"),
            (numeric_bytes(0, 0, 3, &[]), "0.000"),
            (numeric_bytes(0, 0x4000, 2, &[12, 3400]), "-12.34"),
            (numeric_bytes(1, 0, 0, &[1]), "10000"),
            (numeric_bytes(-1, 0, 4, &[5]), "0.0005"),
            (numeric_bytes(-2, 0, 8, &[5]), "0.00000005"),
            (numeric_bytes(-3, 0, 10, &[5]), "0.0000000000"),
            (numeric_bytes(2, 0, 6, &[1, 2, 3, 4000, 5600]), "100020003.400056"),
            (numeric_bytes(0, 0xC000, 0, &[]), "NaN"),
        ];
        for (bytes, text) in cases {
            assert_eq!(written(|t| write_numeric(&bytes, t).unwrap()), text);
        }
        assert!(write_numeric(&[0, 1, 0, 0, 0, 0, 0, 0], &mut Vec::new()).is_none());
    }
}
