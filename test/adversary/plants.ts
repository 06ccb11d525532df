/** A fault to put back: one text of one file of ours, replaced. */
export interface Plant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const plants: readonly Plant[] = [];
