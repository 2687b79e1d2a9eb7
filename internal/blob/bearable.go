package blob

import (
	"encoding/binary"
	"image"
	"image/color"
)

// bearable tells whether an image that begins so can be decoded in maxDecoded.
func bearable(c image.Config, head []byte) bool {
	if c.Width <= 0 || c.Height <= 0 || c.Width > 1<<16 || c.Height > 1<<16 {
		return false
	}
	return float64(c.Width)*float64(c.Height)*perPixel(c, head) <= maxDecoded
}

// pngInterlaced is the place of that byte in a PNG's header.
const pngInterlaced = 28

// perPixel is how many bytes of memory its decoder takes for a pixel.
func perPixel(c image.Config, head []byte) float64 {
	switch kindOf(head) {
	case "jpeg":
		return jpegPerPixel(head)
	case "webp":
		return 8 // without loss: pixels before and after the last transformation
	case "png":
		if len(head) > pngInterlaced && head[pngInterlaced] != 0 { // interlaced: the passes lie beside the image
			return 2 * modelBytes(c.ColorModel)
		}
	}
	return modelBytes(c.ColorModel)
}

func modelBytes(m color.Model) float64 {
	switch m {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.Gray16Model:
		return 2
	case color.GrayModel:
		return 1
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// A progressive JPEG is decoded into coefficients first, of 4 bytes for each
// sample.
const (
	coefficient  = 4
	jpegAtWorst  = 4 * (1 + coefficient)
	jpegMaxParts = 4
)

// jpegPerPixel reads how many samples a pixel has.
func jpegPerPixel(head []byte) float64 {
	for at := 2; at+4 <= len(head) && head[at] == 0xff; {
		marker, length := head[at+1], int(binary.BigEndian.Uint16(head[at+2:]))
		segment := head[at+4:]
		if marker >= 0xc0 && marker <= 0xc2 {
			return samplesPerPixel(segment, marker == 0xc2)
		}
		if length < 2 {
			break
		}
		at += 2 + length
	}
	return jpegAtWorst
}

// samplesPerPixel reads a frame header: precision, height, width, and for each
// part its id, sampling factors and table.
func samplesPerPixel(segment []byte, progressive bool) float64 {
	if len(segment) < 6 || segment[5] == 0 || segment[5] > jpegMaxParts || len(segment) < 6+3*int(segment[5]) {
		return jpegAtWorst
	}
	samples, h, v := 0, 1, 1
	for part := segment[6:][:3*int(segment[5])]; len(part) > 0; part = part[3:] {
		ph, pv := int(part[1]>>4), int(part[1]&15)
		samples, h, v = samples+ph*pv, max(h, ph), max(v, pv)
	}
	perPixel := float64(samples) / float64(h*v)
	if progressive {
		perPixel *= 1 + coefficient
	}
	return perPixel
}

// claimsMore tells whether a WebP says that it is longer than it is: its decoder
// would set that memory aside.
func claimsMore(head []byte, size int64) bool {
	return kindOf(head) == "webp" && int64(binary.LittleEndian.Uint32(head[4:]))+8 > size+1
}
