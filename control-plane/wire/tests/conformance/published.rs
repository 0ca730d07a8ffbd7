//! The vendored model as plain JSON, read here without the code under test, and changed copies of it.

use serde_json::Value;

/// A service model: the vendored one, or a copy that a test has bent.
#[derive(Clone)]
pub struct Published(pub Value);

/// Where a member travels and what it is, as the model's JSON says.
pub struct Member<'a> {
    pub name: &'a str,
    pub shape: &'a str,
    pub required: bool,
    pub location: Option<&'a str>,
    pub wire_name: &'a str,
}

impl Published {
    /// The model in `model/service-2.json`.
    pub fn vendored() -> Self {
        let text = include_str!("../../model/service-2.json");
        Self(serde_json::from_str(text).expect("the vendored model is JSON"))
    }

    /// The same with one change.
    pub fn with(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut copy = self.clone();
        change(&mut copy.0);
        copy
    }

    pub fn operations(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0["operations"].as_object().expect("operations").iter().map(|(name, op)| (name.as_str(), op))
    }

    pub fn shapes(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0["shapes"].as_object().expect("shapes").iter().map(|(name, shape)| (name.as_str(), shape))
    }

    pub fn shape(&self, name: &str) -> &Value {
        &self.0["shapes"][name]
    }

    pub fn kind(&self, name: &str) -> &str {
        self.shape(name)["type"].as_str().unwrap_or("absent")
    }

    /// The members of a structure, in the model's order of names.
    pub fn members(&self, structure: &str) -> Vec<Member<'_>> {
        let shape = self.shape(structure);
        let required = texts(&shape["required"]);
        let members = shape["members"].as_object().into_iter().flatten();
        members
            .map(|(name, member)| Member {
                name,
                shape: text(&member["shape"]),
                required: required.contains(&name.as_str()),
                location: member["location"].as_str(),
                wire_name: member["locationName"].as_str().unwrap_or(name),
            })
            .collect()
    }

    pub fn input(&self, operation: &Value) -> String {
        text(&operation["input"]["shape"]).to_owned()
    }

    pub fn is_union(&self, structure: &str) -> bool {
        self.shape(structure)["union"] == true
    }

    pub fn is_sensitive(&self, name: &str) -> bool {
        self.shape(name)["sensitive"] == true
    }

    pub fn bound(&self, name: &str, which: &str) -> Option<i64> {
        self.shape(name)[which].as_i64()
    }

    pub fn choices(&self, name: &str) -> Vec<&str> {
        texts(&self.shape(name)["enum"])
    }

    pub fn pattern(&self, name: &str) -> Option<&str> {
        self.shape(name)["pattern"].as_str()
    }
}

/// A text that the model must have here.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("absent")
}

/// A list of texts; absent is empty.
pub fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
