import fc from 'fast-check';

// A change that a property does not notice within a second and a half counts as not noticed; and what it would be at its
// smallest nobody reads.
fc.configureGlobal({ interruptAfterTimeLimit: 1_500, endOnFailure: true });
