package apisync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

const (
	// FileMost bounds an imported file, in bytes.
	FileMost   = 4 << 20
	fileDepth  = 64
	fileValues = 250_000
)

// ReadFile reads a file of resources, YAML or JSON, which is YAML too.
func ReadFile(data []byte) (Doc, error) {
	switch {
	case len(data) > FileMost:
		return nil, fault.New(fault.BodyTooLarge, "the body is larger than %d bytes", FileMost)
	case !utf8.Valid(data):
		return nil, fault.New(fault.InvalidJSON, "the text is not UTF-8")
	}
	if first := bytes.TrimSpace(data); len(first) > 0 && first[0] == '{' {
		v, err := tree.ParseJSON(data, tree.Limits{Depth: fileDepth, Values: fileValues})
		if err == nil {
			if v.Duplicates() {
				return nil, fault.New(fault.InvalidJSON, "a key is there twice")
			}
			return ReadDoc(data)
		}
	}
	r := &yamlReader{}
	v, err := r.read(data)
	if err != nil {
		return nil, err
	}
	doc, ok := v.(Doc)
	if !ok {
		return nil, fault.New(fault.InvalidJSON, "the file must be an object with configs, scripts or settings")
	}
	return doc, nil
}

// yamlReader turns YAML into JSON's values. Aliases, which make small files large, and
// tags of other types are refused.
type yamlReader struct{ values int }

func (r *yamlReader) read(data []byte) (v any, err error) {
	defer func() { // the parser gives up on some input by a panic
		if p := recover(); p != nil {
			v, err = nil, fault.New(fault.InvalidJSON, "not valid YAML: %s", fmt.Sprint(p))
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, fault.New(fault.InvalidJSON, "not valid YAML: %s", err.Error())
	}
	if d.Decode(&more) == nil {
		return nil, fault.New(fault.InvalidJSON, "the file has more than one document")
	}
	return r.value(&doc, 0)
}

func refused(n *yaml.Node, format string, args ...any) error {
	return fault.New(fault.InvalidJSON, "line %d: %s", n.Line, fault.Msg(format, args...))
}

func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if r.values++; r.values > fileValues {
		return nil, refused(n, "more than %d values", fileValues)
	}
	if depth > fileDepth {
		return nil, refused(n, "nested deeper than %d levels", fileDepth)
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return nil, refused(n, "anchors and aliases are not possible")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.value(n.Content[0], depth)
	case yaml.MappingNode:
		return r.object(n, depth)
	case yaml.SequenceNode:
		all := make([]any, len(n.Content))
		for i, one := range n.Content {
			var err error
			if all[i], err = r.value(one, depth+1); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	return yamlScalar(n)
}

func (r *yamlReader) object(n *yaml.Node, depth int) (any, error) {
	doc := Doc{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Tag == "!!merge" {
			return nil, refused(key, "a key must be a text")
		}
		if _, twice := doc[key.Value]; twice {
			return nil, refused(key, "a key is there twice")
		}
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		doc[key.Value] = v
	}
	return doc, nil
}

func yamlScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), nil
		}
		plain := strings.ReplaceAll(n.Value, "_", "")
		if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
			return json.Number(strconv.FormatInt(i, 10)), nil
		}
		if f, err := strconv.ParseFloat(plain, 64); err == nil && f-f == 0 {
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
		}
		return nil, refused(n, "expected a number")
	case "!!str", "!!timestamp":
		return n.Value, nil
	}
	return nil, refused(n, "the tag %s is not possible", n.Tag)
}

// writeYAML gives a value as YAML.
func writeYAML(v tree.Value) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(yamlNode(v))
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return b.Bytes(), nil
}

func yamlNode(v tree.Value) *yaml.Node {
	switch v.Kind {
	case tree.Object:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, f := range v.Fields() {
			n.Content = append(n.Content, textNode(f.Key), yamlNode(f.Value))
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		return n
	case tree.List:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, one := range v.Items() {
			n.Content = append(n.Content, yamlNode(one))
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		return n
	case tree.String:
		return textNode(v.Text())
	case tree.Null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case tree.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.True())}
	}
	tag := "!!int"
	if strings.ContainsAny(v.Text(), ".eE") {
		tag = "!!float"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.Text()}
}

// textNode writes a text of several lines as a block only where YAML keeps it.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if !strings.Contains(text, "\n") {
		return n
	}
	n.Style = yaml.LiteralStyle
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimRight(line, " \t\r") != line || strings.HasPrefix(line, "\t") {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") || strings.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && r != '\t' && !strconv.IsPrint(r)
	}) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
