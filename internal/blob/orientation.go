package blob

import (
	"encoding/binary"
	"image"
	"image/color"
)

// headLength is how much of a content is looked at to learn what it is. Cameras
// put their remarks at the beginning.
const headLength = 512 << 10

const (
	tagOrientation = 0x0112
	maxTags        = 1000
)

// orientation is how a photo is to be turned, 1 to 8 as in Exif; 1 for not at all.
func orientation(head []byte) int {
	if kindOf(head) != "jpeg" {
		return 1
	}
	for at := 2; at+4 <= len(head) && head[at] == 0xff; {
		length := int(binary.BigEndian.Uint16(head[at+2:]))
		end := at + 2 + length
		if length < 2 || end > len(head) || head[at+1] == 0xda {
			break
		}
		if segment := head[at+4 : end]; head[at+1] == 0xe1 && len(segment) > 6 && string(segment[:6]) == "Exif\x00\x00" {
			return exifOrientation(segment[6:])
		}
		at = end
	}
	return 1
}

func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	start := int64(order.Uint32(tiff[4:]))
	if start+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[start+2:]
	for range min(int(order.Uint16(tiff[start:])), maxTags) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == tagOrientation {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// turned is an image as it is meant to be seen.
func turned(img image.Image, orientation int) image.Image {
	source, ok := img.(image.RGBA64Image)
	if orientation == 1 || !ok {
		return img
	}
	return turnedImage{source, orientation}
}

// turnedImage reads an image in another direction.
type turnedImage struct {
	image.RGBA64Image
	orientation int
}

func (t turnedImage) Bounds() image.Rectangle {
	b := t.RGBA64Image.Bounds()
	if t.orientation >= 5 {
		return image.Rect(0, 0, b.Dy(), b.Dx())
	}
	return image.Rect(0, 0, b.Dx(), b.Dy())
}

func (t turnedImage) At(x, y int) color.Color { return t.RGBA64At(x, y) }

func (t turnedImage) ColorModel() color.Model { return color.RGBA64Model }

func (t turnedImage) RGBA64At(x, y int) color.RGBA64 {
	b := t.RGBA64Image.Bounds()
	if t.orientation >= 5 {
		x, y = y, x
	}
	switch t.orientation {
	case 2, 3, 7, 8:
		x = b.Dx() - 1 - x
	}
	switch t.orientation {
	case 3, 4, 6, 7:
		y = b.Dy() - 1 - y
	}
	return t.RGBA64Image.RGBA64At(b.Min.X+x, b.Min.Y+y)
}
