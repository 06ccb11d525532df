/** One thing wrong with a form, told whole: the field it stands at, and the sentence. */
export interface Fault {
  /** Id of the field without its `f-`; empty: the form as a whole. */
  readonly field: string;
  readonly text: string;
}
