package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is how a setting's text is understood. set fails with what the text
// must be ("must be ..."), without repeating it: it may be a secret.
type value struct {
	kind string
	set  func(text string) error
	// mask gives a secret's text for showing; nil = not secret.
	mask func(text string) string
}

// into gives dst, or a place to throw the value away: settings without effect
// are checked like the others.
func into[T any](dst *T) *T {
	if dst == nil {
		return new(T)
	}
	return dst
}

func text(dst *string) value {
	dst = into(dst)
	return value{kind: "text", set: func(s string) error {
		if strings.ContainsAny(s, "\x00\r\n") {
			return errors.New("must be one line")
		}
		*dst = s
		return nil
	}}
}

func path(dst *string) value {
	v := text(dst)
	v.kind = "path"
	return v
}

func secret(dst *string, minLength int) value {
	v := text(dst)
	plain := v.set
	v.set = func(s string) error {
		if s != "" && len(s) < minLength {
			return fmt.Errorf("must have at least %d characters", minLength)
		}
		return plain(s)
	}
	v.mask = func(string) string { return "***" }
	return v
}

func boolean(dst *bool) value {
	dst = into(dst)
	return value{kind: "true or false", set: func(s string) error {
		switch strings.ToLower(s) {
		case "true", "1":
			*dst = true
		case "false", "0":
			*dst = false
		default:
			return errors.New("must be true or false")
		}
		return nil
	}}
}

func integer[T int | int64](dst *T, least, most int64) value {
	dst = into(dst)
	kind := fmt.Sprintf("whole number %d to %d", least, most)
	return value{kind: kind, set: func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < least || n > most {
			return fmt.Errorf("must be a %s", kind)
		}
		*dst = T(n)
		return nil
	}}
}

// attempts is a count whose Infinity is kept as 0.
func attempts(dst *int) value {
	dst = into(dst)
	count := integer(dst, 1, maxCount)
	return value{kind: count.kind + " or Infinity", set: func(s string) error {
		if strings.EqualFold(s, "Infinity") {
			*dst = 0
			return nil
		}
		if err := count.set(s); err != nil {
			return fmt.Errorf("%w or Infinity", err)
		}
		return nil
	}}
}

const (
	maxCount = 1_000_000_000
	// maxMillis is ten years: longer ones are slips of units, and some would overflow.
	maxMillis = 315_360_000_000
)

func millis(dst *time.Duration, least int64) value {
	dst = into(dst)
	var n int64
	v := integer(&n, least, maxMillis)
	whole := v.set
	v.set = func(s string) error {
		if err := whole(s); err != nil {
			return err
		}
		*dst = time.Duration(n) * time.Millisecond
		return nil
	}
	return v
}

// optional accepts the empty text as "unset", leaving the zero value.
func optional(v value) value {
	set := v.set
	v.kind += ", may be empty"
	v.set = func(s string) error {
		if s == "" {
			return nil
		}
		return set(s)
	}
	return v
}

func port(dst *int) value { return optional(integer(dst, 1, 65535)) }

func oneOf(dst *string, choices ...string) value {
	dst = into(dst)
	kind := "one of " + strings.Join(choices, ", ")
	return value{kind: kind, set: func(s string) error {
		if !slices.Contains(choices, s) {
			return fmt.Errorf("must be %s", kind)
		}
		*dst = s
		return nil
	}}
}

func logLevel(dst *slog.Level) value {
	var name string
	v := oneOf(&name, "debug", "info", "warn", "error")
	set := v.set
	v.set = func(s string) error {
		if err := set(s); err != nil {
			return err
		}
		return into(dst).UnmarshalText([]byte(name))
	}
	return v
}

// list is comma-separated; blanks around the commas and empty elements go.
func list(dst *[]string, check func(string) error) value {
	dst = into(dst)
	return value{kind: "list with commas", set: func(s string) error {
		var all []string
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			if check != nil {
				if err := check(part); err != nil {
					return err
				}
			}
			all = append(all, part)
		}
		*dst = all
		return nil
	}}
}

func networks(dst *[]netip.Prefix) value {
	dst = into(dst)
	var all []netip.Prefix
	v := list(nil, func(part string) error {
		p, err := parseNetwork(part)
		if err != nil {
			return errors.New("must be a list of IP addresses or networks such as 10.0.0.0/8")
		}
		all = append(all, p)
		return nil
	})
	set := v.set
	v.kind = "list of IP addresses or networks"
	v.set = func(s string) error {
		all = nil
		if err := set(s); err != nil {
			return err
		}
		*dst = all
		return nil
	}
	return v
}

func parseNetwork(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// origins refuses "*": the calls carry cookies.
func origins(dst *[]string) value {
	return list(dst, func(part string) error {
		u, err := url.Parse(part)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != part {
			return errors.New("must be a list of origins such as https://app.example.com, without a path")
		}
		return nil
	})
}

// bucket is the first part of a path, and none that means something else here.
func bucket(dst *string) value {
	v := text(dst)
	v.kind = "name"
	set := v.set
	v.set = func(s string) error {
		if !bucketForm.MatchString(s) || slices.Contains([]string{"api", "auth", "healthz", "bj_api_sync"}, s) {
			return errors.New("must have small letters, digits, dots and dashes only, and not be a path that the server has")
		}
		return set(s)
	}
	return v
}

var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}$`)

func host(dst *string) value {
	v := text(dst)
	v.kind = "host name"
	set := v.set
	v.set = func(s string) error {
		if strings.ContainsAny(s, "/@?# \t") {
			return errors.New("must be a host name without scheme or path")
		}
		return set(s)
	}
	return v
}

func address(dst *string) value {
	v := text(dst)
	v.kind = "host:port"
	set := v.set
	v.set = func(s string) error {
		if s == "" {
			return set(s)
		}
		_, p, err := net.SplitHostPort(s)
		if err != nil {
			return errors.New("must be host:port, such as 127.0.0.1:8080")
		}
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 65535 {
			return errors.New("must end in a port between 0 and 65535")
		}
		return set(s)
	}
	return v
}

func cookieName(dst *string) value {
	v := text(dst)
	v.kind = "cookie name"
	set := v.set
	v.set = func(s string) error {
		// RFC 6265 takes the token of RFC 9110: no separators, no controls.
		bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }
		if s == "" || strings.ContainsFunc(s, bad) {
			return errors.New("must be a cookie name: letters, digits, '.', '-', '_'")
		}
		return set(s)
	}
	return v
}

func zone(dst **time.Location) value {
	dst = into(dst)
	return value{kind: "IANA time zone", set: func(s string) error {
		l, err := time.LoadLocation(s)
		if err != nil || s == "" || s == "Local" {
			return errors.New("must be an IANA time zone such as Europe/Kyiv")
		}
		*dst = l
		return nil
	}}
}

func date(dst *time.Time) value {
	dst = into(dst)
	return value{kind: "date", set: func(s string) error {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return errors.New("must be a date such as 2031-12-31")
		}
		*dst = t
		return nil
	}}
}

// database is a PostgreSQL connection string, as URL or as "key=value ...".
func database(dst *string) value {
	dst = into(dst)
	return value{kind: "connection string", mask: maskDatabase, set: func(s string) error {
		if s != "" && !strings.Contains(s, "://") && !strings.Contains(s, "=") {
			return errors.New("must look like postgres://user:password@host:5432/name, or be empty for the embedded database")
		}
		if strings.Contains(s, "://") {
			u, err := url.Parse(s)
			if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
				return errors.New("must begin with postgres:// and be a valid URL (special characters of the password percent-encoded)")
			}
		}
		*dst = s
		return nil
	}}
}

// maskDatabase keeps what helps to see which server is meant.
func maskDatabase(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "***"
	}
	if u.RawQuery != "" {
		u.RawQuery = "***"
	}
	return u.Redacted()
}

// secretKeys is a list of keys for AES-256.
func secretKeys(dst *[][]byte) value {
	dst = into(dst)
	return value{kind: "list of secrets", mask: func(string) string { return "***" }, set: func(s string) error {
		*dst = nil
		for one := range strings.SplitSeq(s, ",") {
			if one = strings.TrimSpace(one); one == "" {
				continue
			}
			key, err := base64.StdEncoding.DecodeString(one)
			if err != nil || len(key) != 32 {
				return errors.New("must be base64 of 32 bytes, several separated by commas")
			}
			*dst = append(*dst, key)
		}
		return nil
	}}
}
