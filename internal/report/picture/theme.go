package picture

import (
	"encoding/hex"
	"math"
)

// paint is a colour; alpha is how much of it covers what is below.
type paint struct{ r, g, b, alpha uint8 }

func rgb(hexadecimal uint32) paint {
	return paint{uint8(hexadecimal >> 16), uint8(hexadecimal >> 8), uint8(hexadecimal), 255}
}

// theme are the colours of a picture.
type theme struct {
	back, text, muted, grid, stripe paint
	palette                         []paint
}

var light = &theme{
	back: rgb(0xffffff), text: rgb(0x1f2933), muted: rgb(0x616e7c), grid: rgb(0xe1e6eb), stripe: rgb(0xf4f6f8),
	palette: []paint{
		rgb(0x3568c9), rgb(0xe07b2c), rgb(0x2f9e6b), rgb(0xc8475a), rgb(0x8058bf),
		rgb(0xb5901f), rgb(0x2496a8), rgb(0xcb5c9c), rgb(0x6f7d8f), rgb(0x6b9a2c),
	},
}

var dark = &theme{
	back: rgb(0x171b21), text: rgb(0xe6eaef), muted: rgb(0x9aa6b4), grid: rgb(0x323a45), stripe: rgb(0x1f252d),
	palette: []paint{
		rgb(0x6d9bf0), rgb(0xf29a55), rgb(0x55c391), rgb(0xe97586), rgb(0xab88e6),
		rgb(0xd9b545), rgb(0x4fc0d1), rgb(0xe98cc0), rgb(0x9aa8ba), rgb(0x9ac457),
	},
}

// color reads six hexadecimal digits, and takes one of the palette for anything
// else. Colours that would not be seen on the background are moved away from it.
func (t *theme) color(hexadecimal string, n int) paint {
	b, err := hex.DecodeString(hexadecimal)
	if err != nil || len(b) != 3 {
		return t.palette[n%len(t.palette)]
	}
	p := paint{b[0], b[1], b[2], 255}
	if contrast(p, t.back) < 1.35 {
		p = mix(p, t.text, 0.3)
	}
	return p
}

// mix is a with some of b in it.
func mix(a, b paint, part float64) paint {
	m := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + (float64(y)-float64(x))*part)) }
	return paint{m(a.r, b.r), m(a.g, b.g), m(a.b, b.b), a.alpha}
}

// faint is the colour with another alpha.
func (p paint) faint(alpha uint8) paint {
	p.alpha = alpha
	return p
}

// contrast is that of WCAG 2: 1 for none, 21 for black on white.
func contrast(a, b paint) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(p paint) float64 {
	linear := func(c uint8) float64 {
		v := float64(c) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(p.r) + 0.7152*linear(p.g) + 0.0722*linear(p.b)
}
