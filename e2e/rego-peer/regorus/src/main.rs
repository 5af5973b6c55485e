// SPDX-License-Identifier: Apache-2.0
// The guest agent's policy loop on regorus: see ../README.md for the lines it reads and writes.
use regorus::{Engine, PolicyLengthConfig, Value};
use serde_json::{json, Value as Json};
use std::io::{BufRead, Write};
use std::num::{NonZeroU32, NonZeroUsize};

const EMPTY_STATE: &str = r#"{"pstate":{}}"#;

struct Agent {
    engine: Engine,
    loaded: Engine,
    lenient: bool,
}

fn new_engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(false);
    engine.set_gather_prints(true);
    // as the agent raises them
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::new(64 * 1024).expect("not 0"),
        max_file_bytes: NonZeroUsize::new(16 << 20).expect("not 0"),
        max_lines: NonZeroUsize::new(200_000).expect("not 0"),
    });
    engine
}

fn one_value(engine: &mut Engine, query: &str) -> Result<Json, String> {
    let found = engine.eval_query(query.to_string(), false).map_err(|e| format!("{e:#}"))?;
    if found.result.len() != 1 || found.result[0].expressions.len() != 1 {
        return Err(format!("{query}: {} results", found.result.len()));
    }
    serde_json::to_value(&found.result[0].expressions[0].value).map_err(|e| e.to_string())
}

impl Agent {
    fn load(&mut self, path: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
        let mut engine = new_engine();
        engine.add_policy(path.to_string(), text).map_err(|e| format!("{e:#}"))?;
        engine.add_data_json(EMPTY_STATE).map_err(|e| format!("{e:#}"))?;
        engine.set_input_json("{}").map_err(|e| format!("{e:#}"))?;
        self.lenient = one_value(&mut engine, "data.agent_policy.AllowRequestsFailingPolicy") == Ok(json!(true));
        let _ = engine.take_prints();
        self.loaded = engine.clone();
        self.engine = engine;
        Ok(())
    }

    fn apply(&mut self, ops: &Json) -> Result<(), String> {
        let patch: json_patch::Patch = serde_json::from_value(ops.clone()).map_err(|e| e.to_string())?;
        let mut data = serde_json::to_value(self.engine.get_data()).map_err(|e| e.to_string())?;
        json_patch::patch(&mut data, &patch).map_err(|e| e.to_string())?;
        self.engine.clear_data();
        let text = data.to_string();
        self.engine.add_data_json(&text).map_err(|e| format!("{e:#}"))
    }

    fn judge(&mut self, kind: &str, dry: bool) -> Result<bool, String> {
        let answer = one_value(&mut self.engine, &format!("data.agent_policy.{kind}"))?;
        let (allowed, ops) = match &answer {
            Json::Bool(allowed) => (*allowed, None),
            Json::Object(object) => match object.get("allowed") {
                Some(Json::Bool(allowed)) => (*allowed, object.get("ops").filter(|ops| !ops.is_null())),
                _ => return Err(format!("{kind}: no member allowed")),
            },
            _ => return Err(format!("{kind}: neither boolean nor object")),
        };
        match ops {
            Some(ops) if allowed && !dry => self.apply(ops)?,
            _ => (),
        }
        Ok(allowed)
    }

    fn refusals(&mut self, kind: &str) -> Json {
        let found = one_value(&mut self.engine, "data.agent_policy.refusals");
        let prints = self.engine.take_prints();
        drop(prints);
        found.ok().and_then(|all| all.get(kind).cloned()).unwrap_or(Json::Null)
    }

    fn request(&mut self, line: &Json) -> Json {
        let kind = line["kind"].as_str().unwrap_or("");
        self.engine.set_input(Value::from(line["request"].clone()));
        let verdict = self.judge(kind, line["dry"] == json!(true));
        let prints = self.engine.take_prints().unwrap_or_default();
        let (allowed, error) = match verdict {
            Ok(allowed) => (allowed, Json::Null),
            Err(text) => (false, json!(text)),
        };
        let refusals = if allowed || line["brief"] == json!(true) { Json::Null } else { self.refusals(kind) };
        json!({"allowed": allowed || self.lenient, "error": error, "refusals": refusals, "prints": prints})
    }

    fn line(&mut self, line: &Json) -> Json {
        if let Some(path) = line["policy"].as_str() {
            return json!({"policy": path, "error": self.load(path).err()});
        }
        if line["reset"] == json!(true) {
            self.engine = self.loaded.clone();
            return json!({"reset": true});
        }
        self.request(line)
    }
}

fn main() {
    let mut agent = Agent { engine: new_engine(), loaded: new_engine(), lenient: false };
    for path in std::env::args().skip(1) {
        if let Err(text) = agent.load(&path) {
            eprintln!("rego-peer: {text}");
            std::process::exit(1);
        }
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for text in std::io::stdin().lock().lines() {
        let answer = text
            .map_err(|e| e.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string()))
            .map(|line: Json| agent.line(&line));
        match answer {
            Ok(answer) => writeln!(out, "{answer}").and_then(|()| out.flush()).expect("standard output"),
            Err(text) => {
                eprintln!("rego-peer: {text}");
                std::process::exit(1);
            }
        }
    }
}
