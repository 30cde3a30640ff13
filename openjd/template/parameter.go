package template

// JobParameterType is the type of a job parameter (2023-09 §2).
type JobParameterType string

// The job parameter types of the base language.
const (
	StringParameter JobParameterType = "STRING"
	PathParameter   JobParameterType = "PATH"
	IntParameter    JobParameterType = "INT"
	FloatParameter  JobParameterType = "FLOAT"
)

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

// JobParameterDefinition defines one job parameter (2023-09 §2). Which constraints can be present depends on the type: lengths with
// STRING and PATH, values with INT and FLOAT, object type and data flow with PATH.
type JobParameterDefinition struct {
	Name          string           `json:"name"`
	Type          JobParameterType `json:"type"`
	Description   string           `json:"description,omitempty"`
	Default       *Literal         `json:"default,omitempty"`
	AllowedValues []Literal        `json:"allowedValues,omitempty"`
	MinLength     *int64           `json:"minLength,omitempty"` // code points
	MaxLength     *int64           `json:"maxLength,omitempty"` // code points
	MinValue      *Literal         `json:"minValue,omitempty"`
	MaxValue      *Literal         `json:"maxValue,omitempty"`
	ObjectType    ObjectType       `json:"objectType,omitempty"`
	DataFlow      DataFlow         `json:"dataFlow,omitempty"`
	UserInterface *UserInterface   `json:"userInterface,omitempty"`
}

// Control names the user interface element that edits a parameter.
type Control string

// The controls of the base language.
const (
	LineEdit         Control = "LINE_EDIT"
	MultilineEdit    Control = "MULTILINE_EDIT"
	DropdownList     Control = "DROPDOWN_LIST"
	CheckBox         Control = "CHECK_BOX"
	SpinBox          Control = "SPIN_BOX"
	ChooseInputFile  Control = "CHOOSE_INPUT_FILE"
	ChooseOutputFile Control = "CHOOSE_OUTPUT_FILE"
	ChooseDirectory  Control = "CHOOSE_DIRECTORY"
	Hidden           Control = "HIDDEN"
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
