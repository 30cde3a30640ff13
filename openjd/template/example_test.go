package template_test

import (
	"fmt"

	"github.com/farmhand-render/farmhand/openjd/template"
)

func ExampleDecodeJobTemplate() {
	_, err := template.DecodeJobTemplate([]byte(`
specificationVersion: jobtemplate-2023-09
name: Render {{Param.Scnee}}
parameterDefinitions:
- {name: Scene, type: STRING}
steps:
- name: Frames
  script:
    actions:
      onRun: {comand: render}
`), template.YAML, template.Options{})
	fmt.Println(err)
	// Output:
	// 3 validation errors:
	//   line 3, column 7: name: Param.Scnee is not defined here; did you mean Param.Scene?
	//   line 10, column 14: steps[0] -> script -> actions -> onRun: the field command is missing
	//   line 10, column 15: steps[0] -> script -> actions -> onRun -> comand: unknown field "comand" in an action; did you mean "command"?
}
