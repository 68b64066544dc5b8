//! One-time codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use super::error::Error;
use crate::model::access::TotpSecret;
use crate::server::support::random::{Random, new_typeable_code};

/// 160 bits, as RFC 4226, section 4, recommends.
const SECRET_BYTES: usize = 20;
const RECOVERY_CODE_COUNT: usize = 10;
/// 120 bits: enough to need neither a slow hash nor a rate limit.
const RECOVERY_CODE_CHARS: usize = 24;
/// Time step in seconds. Codes of the step before and the step after are accepted, too (RFC 6238, section 5.2).
const TIME_STEP_SECONDS: u64 = 30;

pub fn new_secret(random: &dyn Random) -> Vec<u8> {
    let mut bytes = vec![0; SECRET_BYTES];
    random.fill(&mut bytes);
    bytes
}

/// Returns the time step of a code, if the code is valid now.
///
/// # Errors
/// `SecondFactorUnusable` if the clock is before 1970, where no time step is, or if the secret is not one.
pub fn valid_time_step(secret: &[u8], code: &str, now: DateTime<Utc>) -> Result<Option<u64>, Error> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let totp = totp_builder(secret).with_account_name("x").build();
    let totp: Totp = totp.map_err(|_| Error::SecondFactorUnusable("its stored secret is not one"))?;
    let unix_seconds = u64::try_from(now.timestamp());
    let unix_seconds = unix_seconds.map_err(|_| Error::SecondFactorUnusable("the clock is before 1970"))?;
    let is_code = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Ok(is_code.then(|| totp.check(&digits, unix_seconds)).flatten())
}

/// Returns the secret as URI, QR code and text for an authenticator app.
///
/// # Errors
/// `SecondFactorUnusable` if the URI or the QR code cannot be made.
pub fn shared_secret(secret: &[u8], name: &str, issuer: &str) -> Result<TotpSecret, Error> {
    // A colon separates issuer and account in the URI.
    let without_colon = |text: &str| text.replace(':', " ").trim().to_owned();
    let totp =
        totp_builder(secret).with_account_name(without_colon(name)).with_issuer(Some(without_colon(issuer))).build();
    let totp: Totp = totp.map_err(|_| Error::SecondFactorUnusable("its stored secret is not one"))?;
    let uri = totp.to_url().map_err(|_| Error::SecondFactorUnusable("its address cannot be made"))?;
    let qr_code = fast_qr::QRBuilder::new(uri.clone()).build();
    let qr_code = qr_code.map_err(|_| Error::SecondFactorUnusable("its QR code cannot be made"))?;
    let qr_code = fast_qr::convert::svg::SvgBuilder::default().to_str(&qr_code);
    Ok(TotpSecret { uri, base32: group_by_four(&totp.secret().to_base32()), qr_svg: qr_code })
}

fn totp_builder(secret: &[u8]) -> Builder {
    Builder::new().with_secret(Secret::from(secret)).with_skew(1).with_step_duration(TIME_STEP_SECONDS)
}

/// Returns new recovery codes and their digests.
pub fn new_recovery_codes(random: &dyn Random) -> (Vec<String>, Vec<String>) {
    let codes: Vec<String> = (0..RECOVERY_CODE_COUNT).map(|_| new_typeable_code(random, RECOVERY_CODE_CHARS)).collect();
    let digests = codes.iter().map(|code| digest_of(&normalise_code(code))).collect();
    (codes, digests)
}

/// Returns the digest that is stored for a recovery code; `None` if the text does not have the length of one.
pub fn recovery_code_digest(typed: &str) -> Option<String> {
    let letters = normalise_code(typed);
    (letters.len() == RECOVERY_CODE_CHARS).then(|| digest_of(&letters))
}

fn digest_of(normalised: &str) -> String {
    hex::encode(Sha256::digest(normalised))
}

/// Normalises a typed code: upper case without separators, O read as 0, I and L as 1 (Crockford's Base32).
pub fn normalise_code(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase());
    letters
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect()
}

fn group_by_four(letters: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::support::random::SystemRandom;

    /// RFC 6238, appendix B: the last six of the eight digits there.
    #[test]
    fn codes_are_those_of_the_standard_and_of_now() {
        let secret = b"12345678901234567890";
        let step = |code: &str, unix_seconds| {
            valid_time_step(secret, code, DateTime::from_timestamp_secs(unix_seconds).unwrap()).unwrap()
        };
        assert_eq!(step("287082", 59), Some(1));
        assert_eq!(step("081 804", 1_111_111_109), Some(37_037_036));
        assert_eq!(step("081804", 1_111_111_109 + 30), Some(37_037_036), "one step late");
        assert_eq!(step("081804", 1_111_111_109 + 61), None);
        for wrong in ["", "000000", "8180", "0818040", "abcdef", "٠٨١٨٠٤"] {
            assert_eq!(step(wrong, 1_111_111_109), None, "{wrong}");
        }
    }

    /// The code is not called wrong where none can be right.
    #[test]
    fn a_clock_before_1970_and_a_broken_secret_are_failures_and_no_wrong_codes() {
        let (past, now) = (DateTime::from_timestamp_secs(-1).unwrap(), DateTime::from_timestamp_secs(59).unwrap());
        for (secret, at) in [(&b"12345678901234567890"[..], past), (b"short", now)] {
            let failed = valid_time_step(secret, "287082", at);
            assert!(matches!(failed, Err(Error::SecondFactorUnusable(_))), "{failed:?}");
        }
    }

    #[test]
    fn an_app_gets_an_address_a_picture_and_letters_to_type() {
        let shared = shared_secret(b"12345678901234567890", "ada@example.org", "Waybill: chat").unwrap();
        assert!(shared.uri.starts_with("otpauth://totp/"), "{}", shared.uri);
        assert!(shared.uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{}", shared.uri);
        assert!(shared.qr_svg.starts_with("<svg") && !shared.qr_svg.contains("style="), "{}", shared.qr_svg);
        assert_eq!(shared.base32, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let (codes, digests) = new_recovery_codes(&SystemRandom);
        assert_eq!((codes.len(), digests.len()), (10, 10));
        let typed = codes[0].to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(recovery_code_digest(&typed).as_ref(), Some(&digests[0]));
        assert_eq!(recovery_code_digest("123456"), None);
    }
}
