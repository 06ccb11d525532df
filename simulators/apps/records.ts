/** The made-up records behind the three services. Money is in fen. */
export interface Withdrawal {
  readonly id: string;
  readonly amount: number;
  readonly at: Date;
}

export interface Fund {
  balance: number;
  readonly withdrawals: Withdrawal[];
}

export interface FundBook {
  of(sub: string): Fund;
  /** Moves the money once for each action id: a repeated callback pays nothing. False when the fund holds too little. */
  withdraw(sub: string, action: { id: string; amount: number }): boolean;
}

const OPENING_BALANCE = 8_642_000;
export const AMOUNTS = [50_000, 200_000, 1_000_000] as const;

export function createFundBook(): FundBook {
  const funds = new Map<string, Fund>();
  function of(sub: string): Fund {
    const fund = funds.get(sub) ?? { balance: OPENING_BALANCE, withdrawals: [] };
    funds.set(sub, fund);
    return fund;
  }
  return {
    of,
    withdraw(sub, { id, amount }) {
      const fund = of(sub);
      if (fund.withdrawals.some((each) => each.id === id)) return true;
      if (fund.balance < amount) return false;
      fund.balance -= amount;
      fund.withdrawals.unshift({ id, amount, at: new Date() });
      return true;
    },
  };
}

const DAY_MS = 24 * 3600 * 1000;

export function borrowedBooks(now: Date): readonly { title: string; lang: string; due: Date }[] {
  const due = (days: number) => new Date(now.getTime() + days * DAY_MS);
  return [
    { title: '《红楼梦》曹雪芹', lang: 'zh-Hans', due: due(6) },
    { title: '《鏡花緣》李汝珍', lang: 'zh-Hant', due: due(13) },
    { title: 'Os Lusíadas, Luís de Camões', lang: 'pt', due: due(13) },
    { title: 'Persuasion, Jane Austen', lang: 'en', due: due(20) },
  ];
}

export function contributions(
  now: Date,
): readonly { month: Date; pension: number; medical: number; unemployment: number }[] {
  return [1, 2, 3, 4, 5, 6].map((back) => ({
    month: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)),
    pension: 64_000,
    medical: 16_000,
    unemployment: 1_600,
  }));
}
