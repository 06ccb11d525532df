/** One thing wrong with a form, told whole: the field it stands at, and the sentence. */
export interface Fault {
  /** Id of the field without its `f-`; empty: the form as a whole. */
  readonly field: string;
  readonly text: string;
  /** What the field is called, for the list of faults above the form. */
  readonly label?: string;
}
