package server

import (
	"context"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/hook"
	"kartoteka/internal/script"
)

// openScripts makes what runs scripts; nothing is started until the first one.
func (a *App) openScripts() {
	s := a.Settings
	a.scripts = script.New(script.Config{Dir: s.DataDir, Python: s.ScriptPython, Workers: s.ScriptWorkers, Unsafe: s.ScriptUnsafe, Log: a.Log})
	a.closers = append(a.closers, a.scripts.Close)
}

// checkSource compiles a scenario.
func (a *App) checkSource(ctx context.Context, source string) ([]catalog.SourceProblem, error) {
	checked, err := a.scripts.Check(ctx, strconv.FormatInt(int64(company), 10), "scenario", source, script.Execute)
	if err != nil {
		return nil, err
	}
	var problems []catalog.SourceProblem
	for _, p := range checked.Errors {
		problems = append(problems, catalog.SourceProblem{Line: p.Line, Column: p.Column, Message: p.Message})
	}
	return problems, nil
}

// scenarioOptions say how scenarios are run. Those that may wait for other scenarios
// leave half of the places to these.
func (a *App) scenarioOptions() hook.ScenarioOptions {
	s := a.Settings
	return hook.ScenarioOptions{
		Scripts: a.scripts, Company: strconv.FormatInt(int64(company), 10), Timeout: s.ScenarioTimeout,
		Most: s.ProcessLimit, Outer: script.Workers(s.ScriptWorkers) / 2, Input: s.ProcessInput, Result: s.ProcessResult, Data: s.ProcessData,
	}
}
