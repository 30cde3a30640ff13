package template

import (
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// JobParameterType is the type of a job parameter (2023-09 §2).
type JobParameterType string

// The job parameter types. Those of the base language are STRING, PATH, INT and FLOAT; the others need [Expr].
const (
	StringParameter      JobParameterType = "STRING"
	PathParameter        JobParameterType = "PATH"
	IntParameter         JobParameterType = "INT"
	FloatParameter       JobParameterType = "FLOAT"
	BoolParameter        JobParameterType = "BOOL"
	RangeParameter       JobParameterType = "RANGE_EXPR"
	ListStringParameter  JobParameterType = "LIST[STRING]"
	ListPathParameter    JobParameterType = "LIST[PATH]"
	ListIntParameter     JobParameterType = "LIST[INT]"
	ListFloatParameter   JobParameterType = "LIST[FLOAT]"
	ListBoolParameter    JobParameterType = "LIST[BOOL]"
	ListListIntParameter JobParameterType = "LIST[LIST[INT]]"
)

// baseParameterTypes returns the types that need no extension.
func baseParameterTypes() []JobParameterType {
	return []JobParameterType{StringParameter, PathParameter, IntParameter, FloatParameter}
}

// JobParameterTypes returns every job parameter type.
func JobParameterTypes() []JobParameterType {
	return append(baseParameterTypes(), BoolParameter, RangeParameter, ListStringParameter, ListPathParameter, ListIntParameter,
		ListFloatParameter, ListBoolParameter, ListListIntParameter)
}

// Element returns the type of the items of a list, "" when t is none.
func (t JobParameterType) Element() JobParameterType {
	inner, isList := strings.CutPrefix(string(t), "LIST[")
	if !isList {
		return ""
	}
	return JobParameterType(strings.TrimSuffix(inner, "]"))
}

// HoldsPaths says whether values are paths: of PATH and LIST[PATH].
func (t JobParameterType) HoldsPaths() bool { return t == PathParameter || t == ListPathParameter }

// isText says whether values are strings whose length is limited.
func (t JobParameterType) isText() bool { return t == StringParameter || t == PathParameter }

// isNumber says whether values have a least and a greatest.
func (t JobParameterType) isNumber() bool { return t == IntParameter || t == FloatParameter }

// ExprType returns the type that Param.* of such a parameter has in expressions. With raw it is the type of RawParam.*, which has
// strings for paths.
func (t JobParameterType) ExprType(raw bool) expr.Type {
	if e := t.Element(); e != "" {
		return expr.ListOf(e.ExprType(raw))
	}
	switch t {
	case IntParameter:
		return expr.TypeInt
	case FloatParameter:
		return expr.TypeFloat
	case BoolParameter:
		return expr.TypeBool
	case RangeParameter:
		return expr.TypeRange
	case PathParameter:
		if !raw {
			return expr.TypePath
		}
	}
	return expr.TypeString
}

// TypedValue returns the value that text, as [JobParameterDefinition.ValueText] returns it, has in expressions.
func (t JobParameterType) TypedValue(text string, raw bool) (expr.Value, error) {
	return expr.ParseValue(t.ExprType(raw), text)
}

// ObjectType says what a PATH parameter points to.
type ObjectType string

// The object types; a definition that names none means a directory.
const (
	File      ObjectType = "FILE"
	Directory ObjectType = "DIRECTORY"
)

// DataFlow says how a job uses what a PATH parameter points to.
type DataFlow string

// The data flows; a definition that names none means [FlowNone].
const (
	FlowNone  DataFlow = "NONE"
	FlowIn    DataFlow = "IN"
	FlowOut   DataFlow = "OUT"
	FlowInOut DataFlow = "INOUT"
)

// JobParameterDefinition defines one job parameter (2023-09 §2). Which constraints can be present depends on the type; object type and
// data flow are for PATH and LIST[PATH].
type JobParameterDefinition struct {
	Name        string           `json:"name"`
	Type        JobParameterType `json:"type"`
	Description string           `json:"description,omitempty"`
	Default     *Literal         `json:"default,omitempty"`
	Constraints
	ObjectType    ObjectType     `json:"objectType,omitempty"`
	DataFlow      DataFlow       `json:"dataFlow,omitempty"`
	UserInterface *UserInterface `json:"userInterface,omitempty"`
}

// Constraints limits values: of a job parameter, or of the items of a list.
type Constraints struct {
	AllowedValues []Literal    `json:"allowedValues,omitempty"`
	MinLength     *int64       `json:"minLength,omitempty"` // code points of a text, items of a list
	MaxLength     *int64       `json:"maxLength,omitempty"`
	MinValue      *Literal     `json:"minValue,omitempty"`
	MaxValue      *Literal     `json:"maxValue,omitempty"`
	Item          *Constraints `json:"item,omitempty"`
}

// Control names the user interface element that edits a parameter.
type Control string

// The controls. Those whose names end in _LIST, and LineEdit and CheckBox for other types than STRING, come with [Expr].
const (
	LineEdit             Control = "LINE_EDIT"
	MultilineEdit        Control = "MULTILINE_EDIT"
	DropdownList         Control = "DROPDOWN_LIST"
	CheckBox             Control = "CHECK_BOX"
	SpinBox              Control = "SPIN_BOX"
	ChooseInputFile      Control = "CHOOSE_INPUT_FILE"
	ChooseOutputFile     Control = "CHOOSE_OUTPUT_FILE"
	ChooseDirectory      Control = "CHOOSE_DIRECTORY"
	Hidden               Control = "HIDDEN"
	LineEditList         Control = "LINE_EDIT_LIST"
	CheckBoxList         Control = "CHECK_BOX_LIST"
	SpinBoxList          Control = "SPIN_BOX_LIST"
	ChooseInputFileList  Control = "CHOOSE_INPUT_FILE_LIST"
	ChooseOutputFileList Control = "CHOOSE_OUTPUT_FILE_LIST"
	ChooseDirectoryList  Control = "CHOOSE_DIRECTORY_LIST"
)

// UserInterface says how a submitter shows a parameter. It has no effect on the job.
type UserInterface struct {
	Control           Control      `json:"control,omitempty"`
	Label             string       `json:"label,omitempty"`
	GroupLabel        string       `json:"groupLabel,omitempty"`
	Decimals          *int64       `json:"decimals,omitempty"`        // FLOAT
	SingleStepDelta   *Literal     `json:"singleStepDelta,omitempty"` // INT and FLOAT
	FileFilters       []FileFilter `json:"fileFilters,omitempty"`     // PATH
	FileFilterDefault *FileFilter  `json:"fileFilterDefault,omitempty"`
}

// FileFilter is one entry in the filter list of a file chooser.
type FileFilter struct {
	Label    string   `json:"label"`
	Patterns []string `json:"patterns"`
}
