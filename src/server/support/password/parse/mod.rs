//! Parses stored password hashes.

pub mod better_auth;
mod django;
mod fields;
mod modular_crypt;
mod werkzeug;

use super::format::{HashError, HashFormat};

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

/// Reads a hash in whichever format it is.
///
/// # Errors
/// `NoPassword`, `Unsupported` or `UnknownFormat`.
pub fn parse_format(text: &str) -> Result<HashFormat, HashError> {
    // Django writes "!" and a random string for an account without a password.
    if text.is_empty() || text.starts_with('!') {
        return Err(HashError::NoPassword);
    }
    let found = django::parse(text)
        .or_else(|| werkzeug::parse(text))
        .or_else(|| better_auth::parse(text))
        .or_else(|| modular_crypt::parse(text));
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
