// SPDX-License-Identifier: Apache-2.0

// The guest agent's policy loop on opa: see ../README.md for the lines it reads and writes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown/print"
)

const lineMax = 64 << 20

type line struct {
	Policy  string          `json:"policy"`
	Reset   bool            `json:"reset"`
	Kind    string          `json:"kind"`
	Request json.RawMessage `json:"request"`
	Dry     bool            `json:"dry"`
	Brief   bool            `json:"brief"`
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

type prints struct{ texts []string }

func (p *prints) Print(_ print.Context, text string) error {
	p.texts = append(p.texts, text)
	return nil
}

type agent struct {
	ctx      context.Context
	compiler *ast.Compiler
	store    storage.Store
	queries  map[string]*rego.PreparedEvalQuery
	prints   prints
	lenient  bool
}

func emptyState() storage.Store {
	return inmem.NewFromObject(map[string]any{"pstate": map[string]any{}})
}

func (a *agent) load(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	compiler, err := ast.CompileModulesWithOpt(map[string]string{path: string(text)},
		ast.CompileOpts{EnablePrintStatements: true})
	if err != nil {
		return err
	}
	a.compiler = compiler
	a.reset()
	value, err := a.one("AllowRequestsFailingPolicy", map[string]any{})
	a.lenient = err == nil && value == true
	return nil
}

func (a *agent) reset() {
	a.store = emptyState()
	a.queries = map[string]*rego.PreparedEvalQuery{}
}

func (a *agent) query(name string) (*rego.PreparedEvalQuery, error) {
	if known := a.queries[name]; known != nil {
		return known, nil
	}
	prepared, err := rego.New(rego.Query("data.agent_policy."+name), rego.Compiler(a.compiler), rego.Store(a.store),
		rego.EnablePrintStatements(true), rego.PrintHook(&a.prints)).PrepareForEval(a.ctx)
	if err == nil {
		a.queries[name] = &prepared
	}
	return &prepared, err
}

func (a *agent) one(name string, input any) (any, error) {
	query, err := a.query(name)
	if err != nil {
		return nil, err
	}
	found, err := query.Eval(a.ctx, rego.EvalInput(input))
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || len(found[0].Expressions) != 1 {
		return nil, fmt.Errorf("data.agent_policy.%s: %d results", name, len(found))
	}
	return found[0].Expressions[0].Value, nil
}

// apply is RFC 6902 as far as rules need it: the store knows its paths and its operations.
func (a *agent) apply(ops []operation) error {
	kinds := map[string]storage.PatchOp{"add": storage.AddOp, "remove": storage.RemoveOp, "replace": storage.ReplaceOp}
	return storage.Txn(a.ctx, a.store, storage.WriteParams, func(txn storage.Transaction) error {
		for _, one := range ops {
			kind, known := kinds[one.Op]
			path, valid := storage.ParsePathEscaped(one.Path)
			if !known || !valid {
				return fmt.Errorf("operation %s %s", one.Op, one.Path)
			}
			if err := a.store.Write(a.ctx, txn, kind, path, one.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *agent) judge(kind string, input any, dry bool) (bool, error) {
	value, err := a.one(kind, input)
	if err != nil {
		return false, err
	}
	if allowed, plain := value.(bool); plain {
		return allowed, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return false, err
	}
	answer := struct {
		Allowed *bool       `json:"allowed"`
		Ops     []operation `json:"ops"`
	}{}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Allowed == nil {
		return false, errors.New("neither boolean nor object with the member allowed")
	}
	if *answer.Allowed && !dry {
		err = a.apply(answer.Ops)
	}
	return *answer.Allowed && err == nil, err
}

func (a *agent) refusals(kind string, input any) any {
	said := a.prints
	value, err := a.one("refusals", input)
	a.prints = said
	if all, is := value.(map[string]any); err == nil && is {
		return all[kind]
	}
	return nil
}

func (a *agent) request(asked *line) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(asked.Request)))
	decoder.UseNumber()
	var input any
	if err := decoder.Decode(&input); err != nil {
		return nil, err
	}
	a.prints.texts = []string{}
	allowed, err := a.judge(asked.Kind, input, asked.Dry)
	answer := map[string]any{"allowed": allowed || a.lenient, "error": nil, "refusals": nil}
	if err != nil {
		answer["error"] = err.Error()
	}
	if !allowed && !asked.Brief {
		answer["refusals"] = a.refusals(asked.Kind, input)
	}
	answer["prints"] = a.prints.texts
	return answer, nil
}

func (a *agent) line(text []byte) (any, error) {
	var asked line
	if err := json.Unmarshal(text, &asked); err != nil {
		return nil, err
	}
	if asked.Policy != "" {
		answer := map[string]any{"policy": asked.Policy, "error": nil}
		if err := a.load(asked.Policy); err != nil {
			answer["error"] = err.Error()
		}
		return answer, nil
	}
	if asked.Reset {
		a.reset()
		return map[string]bool{"reset": true}, nil
	}
	return a.request(&asked)
}

func run() error {
	a := agent{ctx: context.Background()}
	for _, path := range os.Args[1:] {
		if err := a.load(path); err != nil {
			return err
		}
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), lineMax)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		answer, err := a.line(in.Bytes())
		if err != nil {
			return err
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return in.Err()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "opa-peer:", err)
		os.Exit(1)
	}
}
