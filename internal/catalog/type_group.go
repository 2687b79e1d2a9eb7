package catalog

import "kartoteka/internal/fault"

// groupType is a heading or tab: the fields after it belong to it.
type groupType struct{ plain }

func (groupType) Name() string                                { return "group" }
func (groupType) Storage(*Config) Storage                     { return NoStorage }
func (groupType) Accept(*Field, Value) (Value, *fault.Detail) { return nil, nil }

// buttonType is a button in the card; it has no value.
type buttonType struct{ plain }

func (buttonType) Name() string                                { return "button" }
func (buttonType) Storage(*Config) Storage                     { return NoStorage }
func (buttonType) Accept(*Field, Value) (Value, *fault.Detail) { return nil, nil }
