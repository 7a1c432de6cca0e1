// The same alert as the hub's bench tells.
import { randomUUID } from 'node:crypto';

const PLACES = [['ZONE', '配电间 3F-2'], ['STOREY', 'B2 三层'], ['BUILDING', 'B2 号楼'], ['PARK', '园区']];

export function event(number) {
  return {
    cursor: Buffer.from(`${number}`).toString('base64').padEnd(56, 'A'),
    type: 'OPENED',
    alert: {
      id: randomUUID(),
      rule: 'cabinet-hot',
      severity: 'SEVERE',
      state: 'UNACKNOWLEDGED',
      code: 'limit.above',
      openedAt: new Date().toISOString(),
      quantity: 'temperature',
      value: 71.5,
      limit: 70,
      unit: 'Cel',
      subject: { id: randomUUID(), kind: 'SENSOR', name: '配电柜 3 温度' },
      placePath: PLACES.map(([kind, name]) => ({ id: randomUUID(), kind, name })),
    },
  };
}
