//! The cost of verifying a hash, and its limits for a sign-in: a source can hold anything, and one hash that demands
//! 4 GiB stops the machine.

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;

use super::format::{HashError, HashFormat, Pbkdf2, Prf, Scrypt};

/// Enough for the second recommended option of RFC 9106 (64 MiB, three passes) and for what frameworks write.
const MAX_MEMORY_KIB: u64 = 128 << 10;
const MAX_MEMORY_PASSES_KIB: u64 = 512 << 10;
const MAX_LANES: u32 = 16;
/// 2^14 rounds take about a second.
const MAX_BCRYPT_COST: u32 = 14;
/// Four times the default of Django 5.2: about a second.
const MAX_PBKDF2_ITERATIONS: u32 = 4_000_000;

pub fn check_cost(form: &HashFormat) -> Result<(), HashError> {
    let is_affordable = match form {
        HashFormat::Argon2(text) => {
            let [memory, passes, lanes] = argon2_params(text);
            let work = u64::from(memory.max(1)) * u64::from(passes);
            u64::from(memory) <= MAX_MEMORY_KIB && work <= MAX_MEMORY_PASSES_KIB && lanes <= MAX_LANES
        }
        HashFormat::Bcrypt { cost, .. } => *cost <= MAX_BCRYPT_COST,
        HashFormat::Scrypt(scrypt) => is_scrypt_affordable(scrypt),
        HashFormat::Pbkdf2(pbkdf2) => (1..=MAX_PBKDF2_ITERATIONS).contains(&pbkdf2.iterations),
    };
    if is_affordable { Ok(()) } else { Err(HashError::TooExpensive(scheme(form))) }
}

/// scrypt takes 128 · N · r bytes, traversed twice for each of p, and 128 · r · p bytes initially (RFC 7914,
/// sections 2 and 6).
fn is_scrypt_affordable(scrypt: &Scrypt) -> bool {
    let (r, p) = (u128::from(scrypt.r), u128::from(scrypt.p));
    let Some(n) = 1_u128.checked_shl(scrypt.log_n.into()).filter(|_| scrypt.log_n < 32) else { return false };
    let kib = |bytes: u128| bytes / 1024;
    let fits = kib(128 * n * r + 128 * r * p) <= MAX_MEMORY_KIB.into();
    fits && kib(128 * n * r * p) <= MAX_MEMORY_PASSES_KIB.into() && scrypt.p <= MAX_LANES
}

pub fn scheme(form: &HashFormat) -> String {
    match form {
        HashFormat::Argon2(text) => {
            let name = text.split('$').nth(1).unwrap_or_default();
            let [memory, passes, lanes] = argon2_params(text);
            format!("{name} m={memory} t={passes} p={lanes}")
        }
        HashFormat::Bcrypt { cost, .. } => format!("bcrypt cost={cost}"),
        HashFormat::Scrypt(Scrypt { log_n, r, p, .. }) => format!("scrypt ln={log_n} r={r} p={p}"),
        HashFormat::Pbkdf2(Pbkdf2 { prf, iterations, digest, .. }) => {
            // A longer digest takes more blocks, each at the same cost.
            let (name, block) = match prf {
                Prf::Sha1 => ("sha1", 20),
                Prf::Sha256 => ("sha256", 32),
                Prf::Sha512 => ("sha512", 64),
            };
            format!("pbkdf2-{name} i={iterations} blocks={}", digest.len().div_ceil(block))
        }
    }
}

/// Parsed as the verifier does: of a parameter that occurs twice, another parser might take the other one. Parameters
/// that cannot be parsed count as the highest cost.
fn argon2_params(text: &str) -> [u32; 3] {
    let params = PasswordHash::new(text).ok().and_then(|hash| Params::try_from(&hash).ok());
    params.map_or([u32::MAX; 3], |params| [params.m_cost(), params.t_cost(), params.p_cost()])
}

#[cfg(test)]
mod tests {
    use super::super::{HashError, StoredHash, hash_argon2id};

    /// D13 of the review: anyone who could write a hash could stop the machine with one sign-in.
    #[test]
    fn a_hash_that_asks_for_absurd_work_is_refused_before_it_is_tried() {
        let tail = "c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let digest = "00".repeat(64);
        for absurd in [
            format!("$argon2id$v=19$m=4194304,t=3,p=1${tail}"),
            format!("$argon2id$v=19$m=131072,t=16,p=1${tail}"),
            format!("$argon2id$v=19$m=8,t=1000000,p=1${tail}"),
            format!("$argon2id$v=19$m=19456,t=4294967295,p=1${tail}"),
            format!("$argon2id$v=19$m=19456,t=2,p=16777215${tail}"),
            format!("$2b$31${}", "a".repeat(53)),
            format!("$argon2id$v=19$m=8,t=1,p=1,m=4194304${tail}"),
            format!("scrypt:1048576:8:1$salt${digest}"),
            format!("scrypt:2:67108864:1$salt${digest}"),
            format!("scrypt:32768:8:4096$salt${digest}"),
            format!("$scrypt$ln=255,r=8,p=1$c2FsdA${tail}", tail = "A".repeat(43)),
            format!("pbkdf2:sha256:4294967295$salt${digest}"),
            format!("pbkdf2:sha256:0$salt${digest}"),
        ] {
            assert!(matches!(StoredHash::parse(&absurd), Err(HashError::TooExpensive(_))), "{absurd}");
        }
        assert!(StoredHash::parse(&hash_argon2id("secret", b"0123456789abcdef")).is_ok());
    }
}
