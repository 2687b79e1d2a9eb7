// Package picture draws charts as SVG and PNG: columns, lines, bars, a pie, a
// radar, a number, a table. It is given names, numbers and colours, and knows
// neither records nor fields, rights or HTTP. The same chart and look give the
// same bytes.
//
// A chart is laid out once as a scene, a list of shapes; what measures texts is
// the embedded font (Roboto, Apache-2.0, see font/LICENSE), whose outlines are
// the letters of a PNG. An SVG holds its texts as texts, each with its length, so
// that it looks alike where the viewer has another font.
package picture
