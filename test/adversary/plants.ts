/** A fault to put back: one text of one file of ours, replaced. */
export interface Plant {
  readonly name: string;
  readonly file: string;
  /** Occurs once; a test says when our code has moved on. */
  readonly from: string;
  readonly to: string;
}

/** Faults that this house had, or that its rules are there against; the machine has to find each of them. */
export const plants: readonly Plant[] = [
  {
    name: 'name-and-number-are-enough',
    file: 'seeds/policy.ts',
    from: '...ties.map((tie) => anybody(register, tie))',
    to: 'anybody(register)',
  },
  {
    name: 'name-at-level-1',
    file: 'src/assurance/untied.ts',
    from: ': boolean => ial > 0;',
    to: ': boolean => ial >= 0;',
  },
  {
    name: 'name-of-a-record-nothing-ties-to',
    file: 'src/standing/named-record.ts',
    from: '  if (person === null || !isNamed(assessment)) return null;\n  return person.records.find(({ id }) => id === assessment.record) ?? null;',
    to: '  if (person === null) return null;\n  return person.records.find(({ id }) => id === assessment.record) ?? person.records[0] ?? null;',
  },
  {
    name: 'card-of-a-bought-list',
    file: 'src/journey/phone-in-hand.ts',
    from: "kind === 'phone' && value === phone",
    to: "kind === 'phone'",
  },
  {
    name: 'carrier-says-no-and-it-counts',
    file: 'src/journey/tie.ts',
    from: "  if (result.outcome !== 'verified') {\n    const { kind, source } = proofs.carrier;\n    await refuseEvidence(deps, { accountId, kind, source, reason: result.outcome, revokeKinds: [], cause });\n    return 'no';\n  }\n  await recordEvidence(deps, { accountId, ...carriersWord(result.facts, asked), cause });",
    to: "  const facts = 'facts' in result ? result.facts : { validUntil: null, recordRef: null };\n  await recordEvidence(deps, { accountId, ...carriersWord(facts, asked), cause });",
  },
  {
    name: 'face-of-somebody-else',
    file: 'src/journey/prove.ts',
    from: "  if (result.outcome !== 'verified') return refused(deps, ctx, situation, citizen, faceRefusal(result.outcome));\n  // The face counts only for the very record that was matched before.\n  if (recordRef === null || result.recordRef !== recordRef)",
    to: '  if (recordRef === null)',
  },
  {
    name: 'cancel-at-the-camera-takes-the-record',
    file: 'src/proofing/refusals.ts',
    from: "  source: 'face',\n  takes: [],",
    to: "  source: 'face',\n  takes: ['population'],",
  },
  {
    name: 'waiting-sign-in-outlives-sign-out',
    file: 'src/storage/sessions.ts',
    from: "    events.where((sub) => void sub.whereNot('session_uid', except).orWhereNull('session_uid'));\n  }",
    to: "    events.where((sub) => void sub.whereNot('session_uid', except).orWhereNull('session_uid'));\n  }\n  events.whereNotNull('session_uid');",
  },
  {
    name: 'ended-sign-ins-still-count',
    file: 'src/storage/sessions.ts',
    from: "    .where({ interaction_uid: interactionUid })\n    .whereNull('ended_at')",
    to: '    .where({ interaction_uid: interactionUid })',
  },
  {
    name: 'death-ends-nothing',
    file: 'src/commands/hear-register.ts',
    from: "    if (notice.status === 'deceased')\n",
    to: "    if (notice.status === 'active')\n",
  },
  {
    name: 'cancelled-record-still-counts',
    file: 'src/commands/hear-register.ts',
    from: "  cancelled: ['population', 'face', 'counter'],",
    to: '  cancelled: [],',
  },
  {
    name: 'revoked-evidence-still-counts',
    file: 'src/assurance/identity.ts',
    from: '  if (item.revokedAt !== null) end = Math.min(end, item.revokedAt.getTime());\n',
    to: '',
  },
  {
    name: 'switched-off-source-still-counts',
    file: 'src/standing/what-counts.ts',
    from: 'evidence.filter((item) => !off.has(item.source))',
    to: 'evidence',
  },
  {
    name: 'highest-level-rides-on-sso',
    file: 'src/assurance/assess.ts',
    from: '  rideOnSso ? events : events.filter(',
    to: '  rideOnSso || interaction !== undefined ? events : events.filter(',
  },
  {
    name: 'one-official-is-two',
    file: 'src/commands/counter-rules.ts',
    from: "  if (seen.status === 'half' && seen.firstBy === by.accountId) return 'same_official';\n",
    to: '',
  },
  {
    name: 'essential-level-is-a-wish',
    file: 'src/assurance/requirement.ts',
    from: '  const essential = marked && values.length > 0;',
    to: '  const essential = marked && values.length > 9;',
  },
  {
    name: 'prompt-login-takes-an-old-sign-in',
    file: 'src/assurance/requirement.ts',
    from: '  if (requirement.fresh && !here) return false;\n',
    to: '',
  },
  {
    name: 'loser-of-a-claim-keeps-its-evidence',
    file: 'src/commands/win-back.ts',
    from: 'filter((item) => item.record === record).map(',
    to: 'filter((item) => item.record === null).map(',
  },
];
