//! The published service model, read once: operations with their bindings, shapes with their constraints.
//!
//! Everything that can be derived from the model is derived here, so that a newer model is a swap of `model/service-2.json`.
//! This module knows nothing of requests; `route`, `validate` and `client` ask it.

mod load;
mod pattern;

use std::sync::OnceLock;

use crate::Operation;
pub use pattern::Pattern;

const SOURCE: &str = include_str!("../model/service-2.json");

/// The embedded model. Were it unreadable it would hold no operation, and every request would be unknown; the tests prove that it is not.
pub fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| load::load(SOURCE).unwrap_or_default())
}

/// Operations and shapes of a service.
#[derive(Debug, Default)]
pub struct Model {
    operations: Vec<OperationModel>,
    shapes: Vec<Shape>,
    errors: Vec<(String, u16)>,
}

impl Model {
    /// What the model says of an operation; `None` only if the embedded model lacks it, which the tests rule out.
    pub fn operation(&self, operation: Operation) -> Option<&OperationModel> {
        self.operations.iter().find(|candidate| candidate.operation == operation)
    }

    /// All operations, sorted by name.
    pub fn operations(&self) -> &[OperationModel] {
        &self.operations
    }

    /// The shape that a reference names.
    pub fn shape(&self, reference: ShapeRef) -> &Shape {
        &self.shapes[reference.0]
    }

    /// The shape of this name.
    pub fn shape_named(&self, name: &str) -> Option<&Shape> {
        self.shapes.iter().find(|shape| shape.name == name)
    }

    /// The names of all structures, sorted.
    pub fn structure_names(&self) -> impl Iterator<Item = &str> {
        self.shapes
            .iter()
            .filter(|shape| matches!(shape.kind, Kind::Structure(_)))
            .map(|shape| shape.name.as_str())
    }

    /// The service's declared errors with their HTTP statuses.
    pub fn errors(&self) -> &[(String, u16)] {
        &self.errors
    }
}

/// One operation: method, path and input.
#[derive(Debug)]
pub struct OperationModel {
    /// Which operation.
    pub operation: Operation,
    /// The HTTP method, upper case.
    pub method: String,
    /// The path, split at its slashes.
    pub path: Vec<Segment>,
    /// The input structure.
    pub input: ShapeRef,
    /// The output structure.
    pub output: ShapeRef,
    /// AWS's description (HTML).
    pub documentation: String,
}

/// One piece of a path between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Must be exactly this.
    Literal(String),
    /// Holds the value of the input member with this wire name, percent-encoded.
    Label(String),
}

/// Points at a shape of the model it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeRef(usize);

/// A type of the model with its constraints.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the model.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether its value must not be echoed or logged.
    pub sensitive: bool,
    /// Least length (characters, elements) or value.
    pub min: Option<i64>,
    /// Greatest length (characters, elements) or value.
    pub max: Option<i64>,
    /// What the whole text must match.
    pub pattern: Option<Pattern>,
    /// The values allowed; empty: any.
    pub choices: Vec<String>,
}

/// The type behind a shape.
#[derive(Debug)]
pub enum Kind {
    /// Text.
    String,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// A floating-point number.
    Double,
    /// True or false.
    Boolean,
    /// A moment: in bodies epoch seconds as a number, in queries ISO-8601.
    Timestamp,
    /// Named members.
    Structure(Structure),
    /// Elements of one shape.
    List(ShapeRef),
    /// Keys and values of one shape each.
    Map(ShapeRef, ShapeRef),
}

/// The members of a structure.
#[derive(Debug)]
pub struct Structure {
    /// Its members, sorted by name.
    pub members: Vec<Member>,
    /// Whether exactly one member must be set.
    pub union: bool,
}

impl Structure {
    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name, as in JSON.
    pub name: String,
    /// Where its structure lists it, from 0: the order in which the AWS CLI prints members.
    pub position: usize,
    /// Its shape.
    pub shape: ShapeRef,
    /// Whether it must be present.
    pub required: bool,
    /// Where in the request it travels.
    pub location: Location,
    /// Its name there.
    pub wire_name: String,
    /// Whether a client makes up a value when its user gives none.
    pub idempotency_token: bool,
    /// AWS's description (HTML).
    pub documentation: String,
}

/// Where a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the JSON body.
    Body,
    /// In the path.
    Path,
    /// In the query string.
    Query,
}

impl OperationModel {
    /// The input's members.
    pub fn members<'m>(&self, model: &'m Model) -> &'m [Member] {
        match &model.shape(self.input).kind {
            Kind::Structure(structure) => &structure.members,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_know_where_the_model_lists_them() {
        let described = model().operation(Operation::StartJobRun).unwrap();
        let Kind::Structure(output) = &model().shape(described.output).kind else { panic!("no structure") };
        let mut members: Vec<&Member> = output.members.iter().collect();
        members.sort_by_key(|member| member.position);
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["applicationId", "jobRunId", "arn"]);
    }

    #[test]
    fn the_embedded_model_loads_and_has_exactly_our_operations() {
        let loaded = load::load(SOURCE).expect("the model loads");
        let names: Vec<&str> = loaded.operations.iter().map(|o| o.operation.name()).collect();
        let ours: Vec<&str> = Operation::ALL.iter().map(|o| o.name()).collect();
        assert_eq!(names, ours);
        assert_eq!(ours.len(), 22);
    }

    #[test]
    fn every_pattern_of_the_model_compiles() {
        let broken: Vec<&str> = model()
            .shapes
            .iter()
            .filter(|s| s.pattern.as_ref().is_some_and(|p| !p.is_enforced()))
            .map(|s| s.name.as_str())
            .collect();
        assert_eq!(broken, Vec::<&str>::new());
        assert!(model().shapes.iter().filter(|s| s.pattern.is_some()).count() >= 44);
    }

    #[test]
    fn path_labels_and_path_members_agree() {
        for operation in model().operations() {
            let mut labels: Vec<&str> = operation
                .path
                .iter()
                .filter_map(|segment| match segment {
                    Segment::Label(name) => Some(name.as_str()),
                    Segment::Literal(_) => None,
                })
                .collect();
            labels.sort_unstable();
            let members = operation.members(model()).iter().filter(|m| m.location == Location::Path);
            assert_eq!(
                labels,
                members.map(|m| m.wire_name.as_str()).collect::<Vec<_>>(),
                "{}",
                operation.operation
            );
        }
    }
}
