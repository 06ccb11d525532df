import type { Counter } from '../src/storage/counters.ts';

/** Counters of the demo city; a real one brings its own (`shimin counter apply`). */
export const demoCounters: readonly Counter[] = [
  {
    id: 'bay-port',
    names: {
      'zh-Hans': '湾口岸出入境大厅 2 号窗口',
      'zh-Hant': '灣口岸出入境大堂 2 號櫃檯',
      en: 'Bay Port, immigration hall, counter 2',
      pt: 'Porto da Baía, átrio da imigração, balcão 2',
    },
    places: {
      'zh-Hans': '口岸路 1 号，每天 8:00 至 20:00',
      'zh-Hant': '口岸路 1 號，每日 8:00 至 20:00',
      en: '1 Port Road, every day 8:00 to 20:00',
      pt: 'Port Road 1, todos os dias das 8:00 às 20:00',
    },
    open: true,
  },
  {
    id: 'civic-centre-1',
    names: {
      'zh-Hans': '市民中心 1 号窗口',
      'zh-Hant': '市民中心 1 號櫃檯',
      en: 'Civic Centre, counter 1',
      pt: 'Centro Cívico, balcão 1',
    },
    places: {
      'zh-Hans': '福中路 100 号，周一至周五 9:00 至 18:00',
      'zh-Hant': '福中路 100 號，星期一至五 9:00 至 18:00',
      en: '100 Fuzhong Road, Monday to Friday 9:00 to 18:00',
      pt: 'Fuzhong Road 100, de segunda a sexta das 9:00 às 18:00',
    },
    open: true,
  },
  {
    id: 'civic-centre-2',
    names: {
      'zh-Hans': '市民中心 2 号窗口',
      'zh-Hant': '市民中心 2 號櫃檯',
      en: 'Civic Centre, counter 2',
      pt: 'Centro Cívico, balcão 2',
    },
    places: {
      'zh-Hans': '福中路 100 号，周一至周五 9:00 至 18:00',
      'zh-Hant': '福中路 100 號，星期一至五 9:00 至 18:00',
      en: '100 Fuzhong Road, Monday to Friday 9:00 to 18:00',
      pt: 'Fuzhong Road 100, de segunda a sexta das 9:00 às 18:00',
    },
    open: true,
  },
];
