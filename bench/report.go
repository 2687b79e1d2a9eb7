package main

import (
	"database/sql"
	"fmt"
	"sort"
	"strings"
)

func cgoSQLite() bool {
	db, err := sql.Open("sqlite3_c", ":memory:")
	if err != nil {
		return false
	}
	defer db.Close()
	return db.Ping() == nil
}

func (r *results) medOps(t, k string) float64 {
	var v []float64
	for _, x := range r.M[t][k] {
		v = append(v, x.Ops)
	}
	return med(v)
}

func pick(rs []Result, f func(Result) float64) float64 {
	var v []float64
	for _, x := range rs {
		v = append(v, f(x))
	}
	return med(v)
}

func num(f float64) string {
	switch {
	case f == 0:
		return "-"
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	}
	s := fmt.Sprintf("%.0f", f)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	if len(s) > 7 {
		s = s[:len(s)-7] + "," + s[len(s)-7:]
	}
	return s
}

// limit is the combined bound of one round: HTTP and then SQL, one after the other.
func (r *results) limit(k string, round int) float64 {
	at := func(t string) float64 {
		x := r.M[t][k]
		if round < len(x) {
			return x[round].Ops
		}
		return 0
	}
	h, s := at("hello"), max(at("sql-c"), at("sql-go"))
	if h == 0 || s == 0 {
		return 0
	}
	return 1 / (1/h + 1/s)
}

func report(r *results, head string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", head)
	order := []string{"ideal", "ours", "ideal-pg", "ours-pg", "pocketbase", "ours-hooked", "ours-hooked-pg", "ours-scripted", "ours-scripted-pg"}
	var ts []string
	for _, t := range order {
		if r.M[t] != nil {
			ts = append(ts, t)
		}
	}
	fmt.Fprint(&b, "Medians of the rounds. Cell: requests/s (p50 / p99 ms), then the median ratio to the limit of the same round. Limit = 1/(1/hello + 1/raw SQL), raw SQL being the faster of the two drivers.\n\n")
	fmt.Fprint(&b, "| scenario | conns | hello /s | SQL C /s | SQL Go /s | limit /s |")
	for _, t := range ts {
		v := r.Ver[t]
		if v != "" && v != "-" {
			v = " " + v
		} else {
			v = ""
		}
		fmt.Fprintf(&b, " %s%s |", t, v)
	}
	fmt.Fprint(&b, "\n|---|---|---|---|---|---|"+strings.Repeat("---|", len(ts))+"\n")
	for _, s := range append(append(append([]string{}, readScenarios...), writeScenarios...), sMixed) {
		for _, c := range []int{1, 16} {
			k := fmt.Sprintf("%s|%d", s, c)
			var lim []float64
			for i := range r.M["hello"][k] {
				if l := r.limit(k, i); l > 0 {
					lim = append(lim, l)
				}
			}
			row := fmt.Sprintf("| %s | %d | %s | %s | %s | %s |", s, c, num(r.medOps("hello", k)), num(r.medOps("sql-c", k)), num(r.medOps("sql-go", k)), num(med(lim)))
			any := false
			for _, t := range ts {
				rs := r.M[t][k]
				if len(rs) == 0 {
					if why := r.NA[t][s]; why != "" {
						row += " n/a |"
					} else {
						row += " - |"
					}
					continue
				}
				any = true
				var ratios []float64
				errs := 0
				for i, x := range rs {
					if l := r.limit(k, i); l > 0 {
						ratios = append(ratios, x.Ops/l)
					}
					errs += x.Errs
				}
				cell := fmt.Sprintf("%s (%s / %s)", num(r.medOps(t, k)), num(pick(rs, func(x Result) float64 { return x.P50 })), num(pick(rs, func(x Result) float64 { return x.P99 })))
				if s == sMixed {
					cell = fmt.Sprintf("%s (%s / %s / %s)", num(r.medOps(t, k)), num(pick(rs, func(x Result) float64 { return x.P50 })), num(pick(rs, func(x Result) float64 { return x.P95 })), num(pick(rs, func(x Result) float64 { return x.P99 })))
				}
				if len(ratios) > 0 {
					cell += fmt.Sprintf(" %.2f", med(ratios))
				}
				if errs > 0 {
					cell += fmt.Sprintf(" **%d errors**", errs)
				}
				if r.NA[t][s] != "" {
					cell += " **wrong**"
				}
				row += " " + cell + " |"
			}
			if any || len(r.M["hello"][k]) > 0 {
				fmt.Fprintln(&b, row)
			}
		}
	}
	fmt.Fprint(&b, "\nThe mixed row has p50 / p95 / p99.\n\n")
	for _, pair := range [][2]string{{"ours", "pocketbase"}, {"ours", "ideal"}, {"ours-pg", "ideal-pg"},
		{"ours-hooked", "ours"}, {"ours-hooked-pg", "ours-pg"}, {"ours-scripted", "ours"}, {"ours-scripted-pg", "ours-pg"}} {
		own, peer := pair[0], pair[1]
		if r.M[own] == nil || r.M[peer] == nil {
			continue
		}
		fmt.Fprintf(&b, "%s against %s (median ratio of requests/s, round by round):\n\n| scenario | 1 conn | 16 conns |\n|---|---|---|\n", own, peer)
		for _, s := range append(append(append([]string{}, readScenarios...), writeScenarios...), sMixed) {
			fmt.Fprintf(&b, "| %s |", s)
			for _, c := range []int{1, 16} {
				k := fmt.Sprintf("%s|%d", s, c)
				var v []float64
				for i, x := range r.M[own][k] {
					if p := r.M[peer][k]; i < len(p) && p[i].Ops > 0 {
						v = append(v, x.Ops/p[i].Ops)
					}
				}
				if len(v) > 0 {
					fmt.Fprintf(&b, " %.2f |", med(v))
				} else {
					fmt.Fprint(&b, " - |")
				}
			}
			fmt.Fprintln(&b)
		}
		fmt.Fprintln(&b)
	}
	metas := map[string]bool{}
	for _, m := range r.Meta {
		for k := range m {
			metas[k] = true
		}
	}
	var ks []string
	for k := range metas {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	all := append([]string{"sql-c", "sql-go"}, ts...)
	fmt.Fprintf(&b, "| measure | %s |\n|---|%s\n", strings.Join(all, " | "), strings.Repeat("---|", len(all)))
	for _, k := range ks {
		fmt.Fprintf(&b, "| %s |", k)
		for _, t := range all {
			fmt.Fprintf(&b, " %s |", num(med(r.Meta[t][k])))
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprint(&b, "\n| raw SQL extras | conns | SQL C /s | SQL Go /s |\n|---|---|---|---|\n")
	for _, s := range []string{"create+trigram", "create (sync=NORMAL)"} {
		for _, c := range []int{1, 16} {
			k := fmt.Sprintf("%s|%d", s, c)
			fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", s, c, num(r.medOps("sql-c", k)), num(r.medOps("sql-go", k)))
		}
	}
	for _, t := range ts {
		for s, why := range r.NA[t] {
			fmt.Fprintf(&b, "\n%s, %s: %s", t, s, why)
		}
	}
	fmt.Fprintln(&b)
	return b.String()
}
