package mail

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of a template.
const (
	maxTemplate = 256 << 10 // bytes
	maxFilled   = 1 << 20   // bytes, with the values
	maxDepth    = 16        // of conditions in each other
)

// Values are what placeholders stand for, by their whole name ("VENDOR.title").
type Values map[string]string

// node is a part of a template: a text, a placeholder or a condition.
type node struct {
	text       string
	name       string // of a placeholder or of the value that a condition asks for
	isIf       bool
	then, none []node
}

// fill puts values into a template; escape is applied to each. It fails when the
// template is not understood or too large.
func fill(source string, values Values, escape func(string) string) (string, error) {
	if len(source) > maxTemplate {
		return "", fmt.Errorf("the template has more than %d bytes", maxTemplate)
	}
	p := parser{rest: source}
	nodes, err := p.nodes(0)
	if err == nil && p.closing != "" {
		err = fmt.Errorf("{{%s}} without {{#if}}", p.closing)
	}
	if err != nil {
		return "", err
	}
	f := filling{values: values, escape: escape}
	if err := f.write(nodes); err != nil {
		return "", err
	}
	return f.out.String(), nil
}

// parser reads a template from its beginning.
type parser struct {
	rest    string
	closing string // the tag that ended the last nodes: "else", "/if", "" at the end
}

// nodes reads until a tag that closes a condition, or to the end.
func (p *parser) nodes(depth int) (list []node, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("conditions are more than %d deep", maxDepth)
	}
	for {
		before, after, found := strings.Cut(p.rest, "{{")
		if before != "" {
			list = append(list, node{text: before})
		}
		p.rest, p.closing = after, ""
		if !found {
			return list, nil
		}
		tag, err := p.tag()
		if err != nil {
			return nil, err
		}
		switch word, rest, _ := strings.Cut(tag, " "); {
		case strings.HasPrefix(tag, "!"): // a comment
		case tag == "else" || tag == "/if":
			p.closing = tag
			return list, nil
		case word == "#if":
			n, err := p.condition(strings.TrimSpace(rest), depth)
			if err != nil {
				return nil, err
			}
			list = append(list, n)
		case !isName(tag):
			return nil, fmt.Errorf("{{%.40s}} is neither a name nor a condition", tag)
		default:
			list = append(list, node{name: tag})
		}
	}
}

// tag reads what stands between the braces, of which there may be three: values
// are escaped all the same.
func (p *parser) tag() (string, error) {
	end := "}}"
	if strings.HasPrefix(p.rest, "{") {
		p.rest, end = p.rest[1:], "}}}"
	}
	tag, rest, found := strings.Cut(p.rest, end)
	if !found {
		return "", errors.New("{{ without }}")
	}
	p.rest = rest
	return strings.TrimSpace(tag), nil
}

// condition reads on after {{#if name}}.
func (p *parser) condition(name string, depth int) (n node, err error) {
	if !isName(name) {
		return n, fmt.Errorf("{{#if %.40s}} does not ask for a name", name)
	}
	n = node{name: name, isIf: true}
	if n.then, err = p.nodes(depth + 1); err != nil {
		return n, err
	}
	if p.closing == "else" {
		if n.none, err = p.nodes(depth + 1); err != nil {
			return n, err
		}
	}
	if p.closing != "/if" {
		return n, errors.New("{{#if}} without {{/if}}")
	}
	p.closing = ""
	return n, nil
}

// isName tells whether a tag is a name such as a.b.
func isName(tag string) bool {
	for part := range strings.SplitSeq(tag, ".") {
		if part == "" || strings.ContainsFunc(part, func(c rune) bool {
			return c != '_' && c != '-' && c != '$' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
		}) {
			return false
		}
	}
	return true
}

// filling writes a template with its values.
type filling struct {
	values Values
	escape func(string) string
	out    strings.Builder
}

func (f *filling) write(nodes []node) error {
	for _, n := range nodes {
		value := f.values[n.name]
		switch {
		case n.isIf && value != "":
			if err := f.write(n.then); err != nil {
				return err
			}
		case n.isIf:
			if err := f.write(n.none); err != nil {
				return err
			}
		case n.name != "":
			f.out.WriteString(f.escape(value))
		default:
			f.out.WriteString(n.text)
		}
		if f.out.Len() > maxFilled {
			return fmt.Errorf("the letter has more than %d bytes", maxFilled)
		}
	}
	return nil
}
