//! Content hashes: blake3 over canonical JSON.
//!
//! **Invariant:** equal content gives equal bytes: object keys are sorted, no insignificant white space, floats in
//! their shortest round-trip form. Every identity in Proofmark (candidate, request, data set) is made here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value as Json;

/// A blake3 hash, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The hash of raw bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The 32 bytes, for use as a key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough to tell hashes apart on a screen.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash =
            blake3::Hash::from_hex(&text).map_err(|_| D::Error::custom("not a hash of 64 hex digits"))?;
        Ok(Self(*hash.as_bytes()))
    }
}

/// The canonical JSON text of a value: keys sorted at every depth, compact.
///
/// A value that cannot be written as JSON counts as `null`; the types of this crate can all be written.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut json = serde_json::to_value(value).unwrap_or(Json::Null);
    sort_keys(&mut json);
    json.to_string()
}

/// The hash of a value's canonical JSON.
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Digest {
    Digest::of_bytes(canonical_json(value).as_bytes())
}

fn sort_keys(json: &mut Json) {
    match json {
        Json::Object(map) => {
            map.sort_keys();
            map.values_mut().for_each(sort_keys);
        }
        Json::Array(items) => items.iter_mut().for_each(sort_keys),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn key_order_does_not_matter() {
        let (a, b) =
            (json!({"b": {"y": 1, "x": [2.5]}, "a": null}), json!({"a": null, "b": {"x": [2.5], "y": 1}}));
        assert_eq!(canonical_json(&a), r#"{"a":null,"b":{"x":[2.5],"y":1}}"#);
        assert_eq!(digest(&a), digest(&b));
    }

    #[test]
    fn hex_round_trips() {
        let hash = digest("x");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), hash);
        assert!(serde_json::from_str::<Digest>("\"abc\"").is_err());
    }
}
