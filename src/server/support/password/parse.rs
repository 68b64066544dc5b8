//! Parses stored password hashes.

use argon2::password_hash::phc::PasswordHash;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::format::{HashError, HashFormat, Pbkdf2, Prf, Scrypt};

/// In bytes. Shorter digests would match by chance; no framework writes longer ones.
const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Prefixes of formats that Waybill does not support, and their names.
const UNSUPPORTED_PREFIXES: [(&str, &str); 12] = [
    ("$1$", "md5-crypt"),
    ("$5$", "sha256-crypt"),
    ("$6$", "sha512-crypt"),
    ("$y$", "yescrypt"),
    ("$7$", "scrypt of crypt(3)"),
    ("$P$", "phpass"),
    ("$H$", "phpass"),
    ("$wp$", "WordPress's own bcrypt"),
    ("$apr1$", "Apache's MD5"),
    ("md5$", "Django's MD5"),
    ("sha1$", "Django's SHA-1"),
    ("{", "an LDAP hash"),
];

pub fn parse_format(text: &str) -> Result<HashFormat, HashError> {
    // Django writes "!" and a random string for an account without a password.
    if text.is_empty() || text.starts_with('!') {
        return Err(HashError::NoPassword);
    }
    let found = parse_django(text)
        .or_else(|| parse_werkzeug(text))
        .or_else(|| parse_better_auth(text))
        .or_else(|| parse_modular_crypt(text));
    found.ok_or_else(|| unsupported_error(text))
}

fn unsupported_error(text: &str) -> HashError {
    if let Some((_, name)) = UNSUPPORTED_PREFIXES.iter().find(|(start, _)| text.starts_with(start)) {
        return HashError::Unsupported(name);
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (is_hex, text.len()) {
        (true, 32) => HashError::Unsupported("a bare digest (MD5?)"),
        (true, 40) => HashError::Unsupported("a bare digest (SHA-1?)"),
        (true, 64) => HashError::Unsupported("a bare digest (SHA-256?)"),
        (true, 128) => HashError::Unsupported("a bare digest (SHA-512?)"),
        _ => HashError::UnknownFormat,
    }
}

/// `$argon2id$…`, `$2b$…`, `$scrypt$ln=…`, `$pbkdf2-sha256$…`: the modular crypt format and PHC strings.
fn parse_modular_crypt(text: &str) -> Option<HashFormat> {
    if text.starts_with("$2") {
        return parse_bcrypt(text, false);
    }
    let fields: Vec<&str> = text.strip_prefix('$')?.split('$').collect();
    match fields[..] {
        ["argon2id" | "argon2i" | "argon2d", ..] => {
            PasswordHash::new(text).ok().map(|_| HashFormat::Argon2(text.to_owned()))
        }
        ["scrypt", params, salt, digest] => {
            let [log_n, r, p] = named_params(params, ["ln", "r", "p"])?;
            let scrypt = Scrypt {
                log_n: log_n.try_into().ok()?,
                r,
                p,
                salt: decode_base64(salt)?,
                digest: check_digest_length(decode_base64(digest)?)?,
                is_nfkc_normalised: false,
            };
            Some(HashFormat::Scrypt(scrypt))
        }
        [scheme, params, salt, digest] => {
            let prf = match scheme {
                "pbkdf2" => Prf::Sha1,
                _ => parse_prf(scheme.strip_prefix("pbkdf2-")?)?,
            };
            // passlib writes the number of rounds without a name.
            let iterations = parse_u32(params).or_else(|| named_params(params, ["i"]).map(|[rounds]| rounds))?;
            Some(HashFormat::Pbkdf2(Pbkdf2 {
                prf,
                iterations,
                salt: decode_base64(salt)?,
                digest: check_digest_length(decode_base64(digest)?)?,
            }))
        }
        _ => None,
    }
}

/// `django.contrib.auth.hashers`: starts with the name of the algorithm.
fn parse_django(text: &str) -> Option<HashFormat> {
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["argon2", ..] => parse_modular_crypt(text.strip_prefix("argon2")?),
        ["bcrypt", "", ..] => parse_modular_crypt(text.strip_prefix("bcrypt$")?),
        ["bcrypt_sha256", "", ..] => parse_bcrypt(text.strip_prefix("bcrypt_sha256$")?, true),
        ["scrypt", n, salt, r, p, digest] => scrypt_format(n, r, p, salt, decode_base64(digest)?),
        [scheme, rounds, salt, digest] => {
            let prf = parse_prf(scheme.strip_prefix("pbkdf2_")?)?;
            let (iterations, digest) = (parse_u32(rounds)?, check_digest_length(decode_base64(digest)?)?);
            Some(HashFormat::Pbkdf2(Pbkdf2 { prf, iterations, salt: salt.into(), digest }))
        }
        _ => None,
    }
}

/// `werkzeug.security`: the method with its parameters, salt, hexadecimal digest.
fn parse_werkzeug(text: &str) -> Option<HashFormat> {
    let [method, salt, digest] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
    let digest = hex::decode(digest).ok()?;
    match method.split(':').collect::<Vec<_>>()[..] {
        ["scrypt", n, r, p] => scrypt_format(n, r, p, salt, digest),
        ["pbkdf2", hash, rounds] => {
            let (prf, iterations) = (parse_prf(hash)?, parse_u32(rounds)?);
            Some(HashFormat::Pbkdf2(Pbkdf2 {
                prf,
                iterations,
                salt: salt.into(),
                digest: check_digest_length(digest)?,
            }))
        }
        _ => None,
    }
}

/// `salt:key`, both hexadecimal; scrypt with N = 16384, r = 16, p = 1, and the salt's hexadecimal text as the salt.
fn parse_better_auth(text: &str) -> Option<HashFormat> {
    let (salt, key) = text.split_once(':')?;
    let digest = hex::decode(key).ok().filter(|key| key.len() == 64)?;
    hex::decode(salt).ok().filter(|salt| salt.len() == 16)?;
    Some(HashFormat::Scrypt(Scrypt { log_n: 14, r: 16, p: 1, salt: salt.into(), digest, is_nfkc_normalised: true }))
}

fn scrypt_format(n: &str, r: &str, p: &str, salt: &str, digest: Vec<u8>) -> Option<HashFormat> {
    let n = parse_u32(n).filter(|n| n.is_power_of_two())?;
    let log_n = n.trailing_zeros().try_into().ok()?;
    let (r, p, digest) = (parse_u32(r)?, parse_u32(p)?, check_digest_length(digest)?);
    Some(HashFormat::Scrypt(Scrypt { log_n, r, p, salt: salt.into(), digest, is_nfkc_normalised: false }))
}

fn parse_bcrypt(text: &str, is_sha256_prehashed: bool) -> Option<HashFormat> {
    let [_, version, cost, rest] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
    let is_well_formed = matches!(version, "2a" | "2b" | "2x" | "2y") && cost.len() == 2 && rest.len() == 53;
    let cost = parse_u32(cost).filter(|_| is_well_formed)?;
    Some(HashFormat::Bcrypt { text: text.to_owned(), cost, is_sha256_prehashed })
}

fn parse_prf(name: &str) -> Option<Prf> {
    match name {
        "sha1" => Some(Prf::Sha1),
        "sha256" => Some(Prf::Sha256),
        "sha512" => Some(Prf::Sha512),
        _ => None,
    }
}

/// `ln=15,r=8,p=1`: returns the values of these names and ignores others.
fn named_params<const N: usize>(params: &str, names: [&str; N]) -> Option<[u32; N]> {
    let value = |name| params.split(',').find_map(|pair| parse_u32(pair.strip_prefix(name)?.strip_prefix('=')?));
    let values: Option<Vec<u32>> = names.into_iter().map(value).collect();
    values?.try_into().ok()
}

fn parse_u32(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// passlib writes `.` in place of `+`.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('.', "+")).ok()
}

fn check_digest_length(digest: Vec<u8>) -> Option<Vec<u8>> {
    DIGEST_BYTES.contains(&digest.len()).then_some(digest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{HashError, StoredHash, hash_argon2id};

    const PASSWORD: &str = "p\u{e4}ssword 1";
    /// Written by Django 5.2.19, Werkzeug 3.1.9, passlib 1.7.4 and better-auth 1.7.25 (the last one for a password
    /// typed in another Unicode form), with a lower cost than the default where it can be chosen.
    const FRAMEWORK_HASHES: [&str; 16] = [
        "pbkdf2_sha256$20000$seasalt12345$Z+vM9947Mg2XHpFOxn4Cbc1UT72raQN2e50yl3yJrsQ=",
        "pbkdf2_sha1$20000$seasalt12345$2lGftzlvW9VA5Kj277AehvF1pLA=",
        "argon2$argon2id$v=19$m=1024,t=2,p=8$c2Vhc2FsdDEyMzQ1$TO0rMYVi1v3Qpqk3ovMTxDFLgvWpohLi4BH\
         6+c7LbTY",
        "bcrypt_sha256$$2b$04$88fIYTDvhHLkvWREWMAPc.BDcTPoPaCIohOmalWDxhUXurGkwAHA6",
        "scrypt$16384$seasalt12345$8$5$3nfqPHnnbyVFHNcfhXxiXRoawVVafu33eRN9tPWI6VEg5yX8GltXHIXgy8\
         8PSBav7aa+YhSjf13KZnztKaaeIg==",
        "bcrypt$$2b$04$qFhj.LrtGPNG9d2j2uirG.qssP9Orlu8jyAzL391/sepHVz9fY89G",
        "scrypt:32768:8:1$8CUKRqU30l2VGMQm$59973c77d54662c5eb1445d07cc96ef8eaa990db4d709d8ac18e98\
         c7cbf48d313ad9d601a8df0ecbeea4ba8b8c64a9e0cf65b65e92ea66baba729b27ebb79c55",
        "pbkdf2:sha256:20000$j40HnETrJ3VkFk6m$2c7c0f54725c8ab47e375fa86b5feab04f0d6ff3397ba569ee8\
         80a4889b1b071",
        "pbkdf2:sha512:20000$QGjXrMJokbmduY2X$45a106de7978f4d1218ef1eb0e21622563a5b046d3eee3c9678\
         d7108afc5ac059d38c6f266faec5cc7ecc7e58c906700281bf3f22c25773b43f5549590615552",
        "scrypt:1024:8:2$RjtLEWZB47tzMF3F$2fdea2934520f5916a55880f660fa68b30114b25ddfa0010f9de8a0\
         a5eea177419d3373b50f87a985c393cb407126f10871dc364776beda7a2aea70f77b1fe22",
        "$pbkdf2-sha256$20000$8t77HyOEEIKQUqqVknJOCQ$pSPBafs/u1DJE6OUX5jt/xvuhu.ObgJ.RWCFaCBpSKo",
        "$pbkdf2-sha512$20000$xVgrBaCUUmptDYHQ2ts7hw$OHUEYpzNnjJtq01HFT3DlvW4J0sxv7MwckXE0DJc6BGl\
         0rlZGutD.7c/RleXX0NIMWQupH7gy1vKM2/8eQIKrw",
        "$pbkdf2$20000$R8iZU8p5j3HuXau19t77Pw$UYHDNZRQ.coCLvh5PxWzoG1MJak",
        "$scrypt$ln=10,r=8,p=1$mVNqzXkPobQ2hvB+D+Ecww$/sjGNxaCEzjNsLLpSAOC85hdc5qgtU2F7HXsfg2WDxw",
        "d18917a7063b32dee420588b9e598505:8ab42aef003fc024aef59e8c15924b9dcee1217d9df57a82c2cfac2\
         f0f87ef495c31deb0af91dc73df3884eace43da1b44d3b3af1fe6aeb528a944a78822e8e6",
        "c9130d02ffbb9f95af50dc0024c36d1a:01c1f50058a8cb81fa28274f5e6811064046167f6402024371e33df\
         df98c6813533bde634176ee7788174e580fdf585bc6f2d63c1a4a85244b197af8241a25eb",
    ];

    #[test]
    fn what_frameworks_write_is_understood_and_another_password_refused() {
        let own = [hash_argon2id(PASSWORD, b"0123456789abcdef"), bcrypt::hash(PASSWORD, 4).unwrap()];
        for stored in FRAMEWORK_HASHES.into_iter().chain(own.iter().map(String::as_str)) {
            let known = StoredHash::parse(stored).unwrap_or_else(|problem| panic!("{stored}: {problem}"));
            assert!(known.verify(PASSWORD), "{stored}");
            assert!(!known.verify(&PASSWORD.to_uppercase()), "{stored}");
            assert!(!known.verify(""), "{stored}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_named_without_a_word_of_it() {
        let named = |text: &str| StoredHash::parse(text).unwrap_err().to_string();
        assert_eq!(named("$6$salt$digest"), "sha512-crypt");
        assert_eq!(named("5f4dcc3b5aa765d61d8327deb882cf99"), "a bare digest (MD5?)");
        assert_eq!(named("hunter2"), "an unknown format");
        assert_eq!(StoredHash::parse("!kd82jd"), Err(HashError::NoPassword));
        assert_eq!(StoredHash::parse(""), Err(HashError::NoPassword));
        for half in ["$2y$", "$argon2id$", "pbkdf2_sha256$1$x$", "scrypt:32768:8:1$x$00", "$2b$12$short", "00:00"] {
            assert_eq!(StoredHash::parse(half), Err(HashError::UnknownFormat), "{half}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "[$:!a-z0-9=,./+]{0,80}") {
            if let Ok(hash) = StoredHash::parse(&text) {
                prop_assert!(!hash.scheme().is_empty());
            }
        }
    }
}
