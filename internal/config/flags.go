package config

import (
	"errors"
	"flag"
	"strings"
)

// Flags registers the settings' flags on set: --data, --listen, --log-level,
// --log-format and --set KEY=VALUE for all others. After parsing, the returned
// map is what Sources.Flags wants. Secrets given with --set can be seen by
// other users of the machine; the help says so.
func Flags(set *flag.FlagSet) map[string]string {
	given := map[string]string{}
	for _, s := range table(new(Settings)) {
		if s.flag != "" {
			set.Func(s.flag, s.help+" ("+s.key+")", func(v string) error {
				given[s.key] = v
				return nil
			})
		}
	}
	set.Func("set", "any other setting as `KEY=VALUE`; may be repeated. Others on this machine can read it: no secrets here", func(v string) error {
		key, val, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("must be KEY=VALUE")
		}
		key, _ = bare(strings.TrimSpace(key))
		given[key] = val
		return nil
	})
	return given
}
