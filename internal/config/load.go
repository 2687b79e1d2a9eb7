package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sources are where values come from, the strongest first.
type Sources struct {
	// Flags are values of the command line by key (see Flags).
	Flags map[string]string
	// Env is the environment as os.Environ gives it.
	Env []string
	// Dir is the working folder, where config.env may be.
	Dir string
}

// FileName is the settings file that is looked for in the working folder.
const FileName = "config.env"

// Problems are all that is wrong with the settings. The texts name settings
// and places; they repeat no secret.
type Problems []string

func (p Problems) Error() string {
	if len(p) == 1 {
		return "settings: " + p[0]
	}
	return fmt.Sprintf("settings: %d problems\n  %s", len(p), strings.Join(p, "\n  "))
}

// Load reads and checks all settings. The error is Problems.
func Load(src Sources) (*Settings, error) {
	l := &loader{set: new(Settings), inputs: map[string]input{}, failed: map[string]bool{}}
	l.gather(src)
	settings := table(l.set)
	l.unknown(settings)
	for _, s := range settings {
		l.read(s)
	}
	l.together()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return l.set, nil
}

// input is the text of one setting and its origin.
type input struct {
	text, source string
	given        bool
}

// origin is one source of variables; where describes one of them.
type origin struct {
	vars  map[string]string
	where func(name string) string
	// ours tells whether every variable is meant for this program.
	ours bool
}

type loader struct {
	set      *Settings
	flags    map[string]string
	origins  []origin
	inputs   map[string]input
	failed   map[string]bool
	problems Problems
}

func (l *loader) fail(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *loader) gather(src Sources) {
	l.flags = src.Flags
	env := map[string]string{}
	for _, pair := range src.Env {
		if name, val, ok := strings.Cut(pair, "="); ok {
			env[name] = val
		}
	}
	l.origins = append(l.origins, origin{vars: env, where: func(name string) string { return "environment " + name }})

	data, err := os.ReadFile(filepath.Join(src.Dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		l.fail("%s cannot be read: %v", FileName, err)
		return
	}
	file, problems := parseEnvFile(string(data))
	l.problems = append(l.problems, problems...)
	l.origins = append(l.origins, origin{vars: file.vars, ours: true, where: func(name string) string {
		return fmt.Sprintf("%s line %d", FileName, file.lines[name])
	}})
}

// read finds, checks and keeps one setting.
func (l *loader) read(s setting) {
	in := l.find(s)
	if in.text == "" && !(in.given && s.blank) {
		in.text = s.def
		if s.defKey != "" {
			in.text = l.inputs[s.defKey].text
		}
		if !in.given {
			in.source = "default"
		}
	}
	l.inputs[s.key] = in
	// A value taken over from another setting was refused there already.
	if (in.text != "" || s.blank) && !(l.failed[s.defKey] && !in.given) {
		l.check(s, in)
	}
	l.set.rows = append(l.set.rows, s.row(in))
	if in.given && s.effect != Active {
		l.set.warnings = append(l.set.warnings, fmt.Sprintf("%s (%s) has no effect: %s", s.key, in.source, why(s.effect)))
	}
}

func why(e Effect) string {
	if e == Later {
		return "this version does not have that part"
	}
	return "accepted for compatibility, nothing depends on it here"
}

func (l *loader) check(s setting, in input) {
	err := s.value.set(in.text)
	if err == nil {
		return
	}
	l.failed[s.key] = true
	if s.secret() {
		l.fail("%s (%s) %v", s.key, in.source, err)
		return
	}
	l.fail("%s (%s) %v, not %q", s.key, in.source, err, in.text)
}

// find looks a setting up; an unset one is the zero input.
func (l *loader) find(s setting) input {
	if v, ok := l.flags[s.key]; ok {
		name := "--set"
		if s.flag != "" {
			name = "--" + s.flag
		}
		return input{text: v, source: "flag " + name, given: true}
	}
	for _, o := range l.origins {
		for _, prefix := range prefixes {
			for _, n := range s.names() {
				if in := l.variable(o, prefix+n.name); in.given {
					if n.read != nil {
						in.text = n.read(in.text)
					}
					return in
				}
			}
		}
	}
	return input{}
}

// variable reads NAME or the file that NAME_FILE names; both at once is an
// error, because one of them would be silently lost.
func (l *loader) variable(o origin, name string) input {
	val, given := o.vars[name]
	file, fileGiven := o.vars[name+"_FILE"]
	switch {
	case given && fileGiven && file != "":
		l.fail("%s and %s are both set (%s): remove one", name, name+"_FILE", o.where(name))
	case given:
		return input{text: val, source: o.where(name), given: true}
	case fileGiven && file != "":
		data, err := os.ReadFile(file)
		if err != nil {
			l.fail("%s (%s) cannot be read: %v", name+"_FILE", o.where(name+"_FILE"), err)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		return input{text: text, source: o.where(name + "_FILE"), given: true}
	}
	return input{}
}

// unknown warns about names that are meant for this program and mean nothing:
// a slip of the pen would otherwise leave a default in force unseen. The plain
// environment belongs to everybody, so only prefixed names count there.
func (l *loader) unknown(settings []setting) {
	known := map[string]bool{}
	for _, s := range settings {
		for _, n := range s.names() {
			known[n.name], known[n.name+"_FILE"] = true, true
		}
	}
	for _, o := range l.origins {
		for _, name := range slices.Sorted(maps.Keys(o.vars)) {
			key, prefixed := bare(name)
			testing := strings.HasPrefix(name, "KARTOTEKA_TEST_")
			if (prefixed || o.ours) && !known[key] && !testing {
				l.set.warnings = append(l.set.warnings, fmt.Sprintf("%s (%s) is not a setting", name, o.where(name)))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.flags)) {
		if !known[key] {
			l.fail("flag --set %s: there is no such setting", key)
		}
	}
}

// together checks settings that depend on each other.
func (l *loader) together() {
	l.mail()
	s := l.set
	if s.HTTPS && (s.HTTPSCertificate == "" || s.HTTPSKey == "") {
		l.fail("HTTPS=true needs HTTPS_CERTIFICATE_PATH and HTTPS_KEY_PATH")
	}
	if s.HTTPS && s.PortHTTPS == 0 {
		l.fail("HTTPS=true needs PORT_HTTPS")
	}
	if !s.HTTPS && s.PortHTTP == 0 && s.Listen == "" && len(l.problems) == 0 {
		l.fail("nothing to listen on: LISTEN and PORT_HTTP are empty and HTTPS is false")
	}
	if s.HTTPSForce && !s.HTTPS {
		l.fail("HTTPS_FORCE=true needs HTTPS=true")
	}
	if !s.S3Local && (s.S3Host == "" || s.S3Secret == "" || s.S3Port == 0) {
		l.fail("S3_LOCAL=false needs S3_HOST, S3_PORT, S3_KEY and S3_SECRET")
	}
	if s.CookieCrossSite && !s.HTTPS && len(s.TrustedProxies) == 0 && s.Host == "" {
		l.set.warnings = append(l.set.warnings, "COOKIE_CROSS_SITE=true needs HTTPS here or at a proxy: browsers drop such cookies on HTTP")
	}
}
