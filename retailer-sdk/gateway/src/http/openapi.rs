//! The description of the gateway for programs (`OpenAPI` 3.1), made from the table of routes.

use besace_protocol::{
    problem::ProblemType,
    wire::{JWS_MEDIA_TYPE, PROBLEM_MEDIA_TYPE},
};
use besace_retailer::ShopScope;
use serde_json::{Map, Value, json};

use super::{
    problem::status_of,
    routes::{Gives, ROUTES, Route, Takes, Who},
};

/// Schemas, parameters and how callers show who they are: the `components` of `OpenAPI`.
const COMPONENTS: &str = include_str!("schemas.json");

/// The description. Fails only where `schemas.json` is not JSON.
pub fn openapi() -> Result<Value, serde_json::Error> {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.address()).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(route.method.as_str().to_lowercase(), operation(route));
        }
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Besace gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The retailer's server: public files, calls of agents, devices of shops.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": serde_json::from_str::<Value>(COMPONENTS)?,
    }))
}

fn operation(route: &Route) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(route.name));
    operation.insert("summary".to_owned(), json!(route.summary));
    // Tills say which write it is.
    let header = matches!(route.who, Who::Shop(ShopScope::Redemptions)).then_some("IdempotencyKey");
    let parameters: Vec<Value> = parameters(route)
        .chain(header)
        .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
        .collect();
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), json!(parameters));
    }
    if let Some(takes) = &route.takes {
        operation.insert("requestBody".to_owned(), body(takes));
    }
    if let Who::Shop(scope) = route.who {
        operation.insert("security".to_owned(), json!([{ "shop_key": [] }]));
        operation.insert("x-scope".to_owned(), json!(scope.as_str()));
    }
    operation.insert("responses".to_owned(), responses(route));
    Value::Object(operation)
}

/// The names in braces.
fn parameters(route: &Route) -> impl Iterator<Item = &'static str> {
    let braces = route.tail.split('{').skip(1);
    braces.map(|rest| rest.split([':', '}']).next().unwrap_or_default())
}

/// A call is described as what it is, a JWS, and by what its payload holds.
fn body(takes: &Takes) -> Value {
    let inside = json!({ "$ref": format!("#/components/schemas/{}", takes.schema) });
    let schema = if takes.media_type == JWS_MEDIA_TYPE {
        json!({
            "$ref": "#/components/schemas/Call",
            "properties": { "payload": { "contentSchema": {
                "$ref": "#/components/schemas/CallPayload",
                "properties": { "body": inside },
            } } },
        })
    } else {
        inside
    };
    json!({
        "required": true,
        "description": format!("At most {} bytes.", takes.len_max),
        "x-bytes-max": takes.len_max,
        "content": { (takes.media_type): { "schema": schema } },
    })
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let content = match route.gives {
        Gives::Json(name) => {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            json!({ "application/json": { "schema": schema } })
        }
        Gives::Text => json!({ "text/plain; charset=utf-8": { "schema": { "type": "string" } } }),
        Gives::Bytes => json!({ "application/octet-stream": {} }),
    };
    responses.insert("200".to_owned(), json!({ "description": "Done.", "content": content }));
    let mut problems: Vec<ProblemType> = problems(route);
    problems.sort_by_key(|problem| status_of(*problem).as_u16());
    for group in problems.chunk_by(|a, b| status_of(*a) == status_of(*b)) {
        let Some(first) = group.first() else { continue };
        let keys: Vec<&str> = group.iter().map(|problem| problem.key()).collect();
        let schema = json!({
            "$ref": "#/components/schemas/Problem",
            "properties": { "key": { "enum": keys } },
        });
        let content = json!({ (PROBLEM_MEDIA_TYPE): { "schema": schema } });
        let response = json!({ "description": keys.join(", "), "content": content });
        responses.insert(status_of(*first).as_u16().to_string(), response);
    }
    Value::Object(responses)
}

/// Everything that a route may say: by its caller, by its body, and of its own.
pub fn problems(route: &Route) -> Vec<ProblemType> {
    let mut problems = route.problems.to_vec();
    problems.push(ProblemType::Internal);
    if route.takes.is_some() {
        problems.extend([
            ProblemType::Malformed,
            ProblemType::UnknownField,
            ProblemType::TooLarge,
            ProblemType::MediaType,
            ProblemType::TooFast,
        ]);
    }
    // What ends something is taken whatever the clock says (`spec/log.md#a-clock-that-leaps`).
    if matches!(route.who, Who::Subject) && !matches!(route.name, "withdraw" | "object") {
        problems.push(ProblemType::ClockInDoubt);
    }
    match route.who {
        Who::Everybody => {}
        Who::Subject => problems.extend([
            ProblemType::Superseded,
            ProblemType::SignatureInvalid,
            ProblemType::ClockSkew,
            ProblemType::Replayed,
            ProblemType::LogUnavailable,
        ]),
        Who::Shop(_) => problems.extend([
            ProblemType::Unauthorized,
            ProblemType::Forbidden,
            ProblemType::ClockInDoubt,
        ]),
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value.as_str() {
                        Some(text) if name == "$ref" => found.push(text),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn whatever_the_description_names_it_explains() {
        let description = openapi().unwrap();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(found.len() > ROUTES.len());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "add {reference} to http/schemas.json");
        }
    }

    #[test]
    fn what_ends_something_is_never_refused_for_the_clock_and_all_else_may_be() {
        for route in ROUTES.iter().filter(|route| matches!(route.who, Who::Subject)) {
            let taken = matches!(route.name, "withdraw" | "object");
            assert_eq!(
                !problems(route).contains(&ProblemType::ClockInDoubt),
                taken,
                "{}",
                route.name
            );
        }
    }

    #[test]
    fn every_object_that_is_sent_is_closed() {
        // `unknown_field` is a promise of every body.
        let description = openapi().unwrap();
        for route in ROUTES {
            let Some(takes) = &route.takes else { continue };
            let schema = &description["components"]["schemas"][takes.schema];
            let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
            let closed = schema["additionalProperties"] == false || schema["$ref"].is_string();
            assert!(closed, "{}: {schema}", takes.schema);
        }
    }
}
