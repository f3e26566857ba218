"""The closed table of every code this exchange answers with, in English and Chinese.
Called by the core for refusals, by every gateway for its own; numbers are never reused."""

from enum import IntEnum
from typing import NamedTuple


class Code(IntEnum):
    """One outcome. OK is 0; 1xxx–3xxx are decided by the core, 5xxx by a gateway, 6xxx by the web."""

    OK = 0

    # 10xx the command itself and who sends it
    ACCOUNT_NOT_FOUND = 1001
    ACCOUNT_EXISTS = 1002
    ACCOUNT_FROZEN = 1003
    NOT_PERMITTED = 1004
    SCOPE_MISSING = 1005
    INIT_CASH_TOO_HIGH = 1006
    TOO_MANY_ACCOUNTS = 1007
    COMMAND_VOIDED = 1008

    # 11xx instruments
    INSTRUMENT_NOT_FOUND = 1101
    INSTRUMENT_EXISTS = 1102
    INSTRUMENT_NOT_TRADING = 1103
    INSTRUMENT_PHASE = 1104
    INSTRUMENT_INVALID = 1105
    INSTRUMENT_IN_USE = 1106
    INSTRUMENT_STATE = 1107
    TOO_MANY_INSTRUMENTS = 1108
    RATES_INVALID = 1109

    # 12xx an order's fields
    CLIENT_ORDER_ID_CONFLICT = 1201
    CLIENT_ORDER_ID_INVALID = 1202
    CLIENT_ORDER_ID_CLAIMED = 1203
    CLIENT_ORDER_IDS_EXHAUSTED = 1204
    SIDE_INVALID = 1210
    OFFSET_NOT_SUPPORTED = 1211
    ORDER_TYPE_NOT_SUPPORTED = 1212
    TIME_IN_FORCE_NOT_SUPPORTED = 1213
    PRICE_INVALID = 1214
    PRICE_OFF_TICK = 1215
    PRICE_ABOVE_UPPER_LIMIT = 1216
    PRICE_BELOW_LOWER_LIMIT = 1217
    VOLUME_INVALID = 1218
    VOLUME_ABOVE_MAXIMUM = 1219
    VOLUME_BELOW_MINIMUM = 1220
    POST_ONLY_WOULD_TAKE = 1221
    BUDGET_INVALID = 1222
    NOTIONAL_BELOW_MINIMUM = 1223

    # 13xx what the account has
    INSUFFICIENT_FUNDS = 1301
    INSUFFICIENT_POSITION = 1302
    INSUFFICIENT_POSITION_TODAY = 1303
    INSUFFICIENT_POSITION_HISTORY = 1304
    POSITION_LIMIT = 1305
    RISK_RATIO_TOO_HIGH = 1306
    TOO_MANY_OPEN_ORDERS = 1307

    # 14xx cancel and query
    ORDER_NOT_FOUND = 1401
    ORDER_FINISHED = 1402

    # 15xx money
    AMOUNT_INVALID = 1501
    WITHDRAW_QUOTA_EXCEEDED = 1502
    REQUEST_NOT_FOUND = 1503
    REQUEST_CONFLICT = 1504
    CURRENCY_UNKNOWN = 1505
    REQUEST_ID_INVALID = 1506

    # 16xx the day
    DAY_STEP_ORDER = 1601
    DAY_CURSOR = 1602
    SETTLEMENT_PRICE_MISSING = 1603
    SETTLEMENT_PRICE_INVALID = 1604
    SETTLEMENT_RUNNING = 1605
    LEDGER_UNBALANCED = 1606
    TRADING_DAY_INVALID = 1607
    SETTING_UNKNOWN = 1608
    SETTING_INVALID = 1609

    # 17xx why an accepted order ended (OrderEnded.code)
    SELF_TRADE = 1701
    NOT_FILLABLE = 1702
    NO_OPPOSITE = 1703
    IMMEDIATE_REST = 1704
    DAY_ENDED = 1705
    CANCELLED_BY_CLIENT = 1706
    CANCELLED_BY_VENUE = 1707
    PROTECTION_REACHED = 1708

    # 50xx the door
    BUSY = 5001
    NO_LEADER = 5002
    EXPIRED_IN_TRANSIT = 5003
    OUTCOME_UNKNOWN = 5004
    JOURNAL_FULL = 5005
    LIVE_REBUILDING = 5006
    HISTORY_BEHIND = 5007

    # 60xx the web
    UNAUTHENTICATED = 6001
    TOKEN_EXPIRED = 6002
    TOKEN_REUSED = 6003
    LOGIN_FAILED = 6004
    LOGIN_LOCKED = 6005
    FORBIDDEN = 6006
    NOT_FOUND = 6007
    METHOD_NOT_ALLOWED = 6008
    MALFORMED_JSON = 6009
    BODY_TOO_LARGE = 6010
    FIELD_UNKNOWN = 6011
    FIELD_REQUIRED = 6012
    FIELD_INVALID = 6013
    NUMBER_INVALID = 6014
    PASSWORD_WEAK = 6015
    USERNAME_TAKEN = 6016
    THROTTLED = 6017
    INSTRUMENT_AMBIGUOUS = 6018
    CSRF_FAILED = 6019
    UNSUPPORTED_MEDIA_TYPE = 6020
    IDEMPOTENCY_CONFLICT = 6021
    STATE_CONFLICT = 6022
    DATABASE_UNAVAILABLE = 6023
    INTERNAL = 6024
    MESSAGE_UNKNOWN = 6025
    FRAME_TOO_LARGE = 6026
    TOO_MANY_SUBSCRIPTIONS = 6027
    SESSION_ENDED = 6029
    BATCH_TOO_LARGE = 6030
    TOO_MANY_SOCKETS = 6031
    REQUEST_MALFORMED = 6032


class CodeText(NamedTuple):
    """HTTP status and the texts; `{field}`, `{limit}`, `{value}` are filled in at the border."""

    http: int
    en: str
    zh: str


TEXTS: dict[Code, CodeText] = {
    Code.OK: CodeText(200, "done", "成功"),
    Code.ACCOUNT_NOT_FOUND: CodeText(404, "no such account", "账户不存在"),
    Code.ACCOUNT_EXISTS: CodeText(409, "the account exists already", "账户已存在"),
    Code.ACCOUNT_FROZEN: CodeText(403, "the account is frozen", "账户已冻结"),
    Code.NOT_PERMITTED: CodeText(403, "this account is not yours to use", "无权操作该账户"),
    Code.SCOPE_MISSING: CodeText(403, "this key or role lacks the right {field}", "缺少权限 {field}"),
    Code.INIT_CASH_TOO_HIGH: CodeText(
        422, "init_cash {value} is above the venue's {limit}", "初始资金 {value} 超过上限 {limit}"
    ),
    Code.TOO_MANY_ACCOUNTS: CodeText(
        429, "the venue holds no more than {limit} accounts", "账户数已达上限 {limit}"
    ),
    Code.COMMAND_VOIDED: CodeText(410, "this command was voided by the operator", "该指令已被运营方作废"),
    Code.INSTRUMENT_NOT_FOUND: CodeText(404, "no such instrument", "合约不存在"),
    Code.INSTRUMENT_EXISTS: CodeText(409, "the instrument exists already", "合约已存在"),
    Code.INSTRUMENT_NOT_TRADING: CodeText(
        409, "the instrument is suspended, expired or delisted", "合约已停牌、到期或摘牌"
    ),
    Code.INSTRUMENT_PHASE: CodeText(
        409, "the instrument takes no orders in its present phase", "当前交易阶段不接受该指令"
    ),
    Code.INSTRUMENT_INVALID: CodeText(
        422,
        "{field} is not possible for an instrument (limit {limit})",
        "合约参数 {field} 无效(限制 {limit})",
    ),
    Code.INSTRUMENT_IN_USE: CodeText(
        409, "{limit} accounts hold it or have orders in it", "仍有 {limit} 个账户持仓或挂单"
    ),
    Code.INSTRUMENT_STATE: CodeText(
        409, "not possible in the instrument's present state", "合约当前状态不允许该操作"
    ),
    Code.TOO_MANY_INSTRUMENTS: CodeText(
        429, "the venue lists no more than {limit} instruments", "合约数已达上限 {limit}"
    ),
    Code.RATES_INVALID: CodeText(
        422, "{field} is out of range (limit {limit})", "费率参数 {field} 超出范围(限制 {limit})"
    ),
    Code.CLIENT_ORDER_ID_CONFLICT: CodeText(
        409, "this client order id was used with another body", "客户端订单号已用于不同内容的订单"
    ),
    Code.CLIENT_ORDER_ID_INVALID: CodeText(
        422,
        "a client order id has 1 to {limit} printable ASCII characters",
        "客户端订单号须为 1 至 {limit} 个可打印 ASCII 字符",
    ),
    Code.CLIENT_ORDER_ID_CLAIMED: CodeText(
        409,
        "this client order id was asked for before the order came; it is refused",
        "该订单号已被查询占用,订单被拒绝",
    ),
    Code.CLIENT_ORDER_IDS_EXHAUSTED: CodeText(
        429,
        "an account has no more than {limit} client order ids a day",
        "账户当日客户端订单号已达上限 {limit}",
    ),
    Code.SIDE_INVALID: CodeText(422, "side is BUY or SELL", "买卖方向须为 BUY 或 SELL"),
    Code.OFFSET_NOT_SUPPORTED: CodeText(
        422, "this offset is not supported for this instrument", "该合约不支持此开平标志"
    ),
    Code.ORDER_TYPE_NOT_SUPPORTED: CodeText(
        422, "this order type is not supported for this instrument", "该合约不支持此报单类型"
    ),
    Code.TIME_IN_FORCE_NOT_SUPPORTED: CodeText(
        422, "this time in force is not supported here", "不支持此有效期类型"
    ),
    Code.PRICE_INVALID: CodeText(
        422, "price {value} is not a usable price (limit {limit})", "价格 {value} 无效(限制 {limit})"
    ),
    Code.PRICE_OFF_TICK: CodeText(
        422,
        "price {value} is not a multiple of the tick {limit}",
        "价格 {value} 不是最小变动价位 {limit} 的整数倍",
    ),
    Code.PRICE_ABOVE_UPPER_LIMIT: CodeText(
        422, "price {value} is above the upper limit {limit}", "价格 {value} 高于涨停价 {limit}"
    ),
    Code.PRICE_BELOW_LOWER_LIMIT: CodeText(
        422, "price {value} is below the lower limit {limit}", "价格 {value} 低于跌停价 {limit}"
    ),
    Code.VOLUME_INVALID: CodeText(
        422,
        "volume {value} is not a positive number of whole lots (limit {limit})",
        "数量 {value} 不是正整数手(限制 {limit})",
    ),
    Code.VOLUME_ABOVE_MAXIMUM: CodeText(
        422, "volume {value} is above the largest order {limit}", "数量 {value} 超过单笔上限 {limit}"
    ),
    Code.VOLUME_BELOW_MINIMUM: CodeText(
        422, "volume {value} is below the smallest order {limit}", "数量 {value} 低于单笔下限 {limit}"
    ),
    Code.POST_ONLY_WOULD_TAKE: CodeText(
        409,
        "a post-only order at this price would trade at once (best opposite {limit})",
        "只做挂单的订单会立即成交(对手价 {limit})",
    ),
    Code.BUDGET_INVALID: CodeText(
        422,
        "a market buy on spot names a positive budget of the quote currency (limit {limit})",
        "现货市价买入须给出正的计价币预算(限制 {limit})",
    ),
    Code.NOTIONAL_BELOW_MINIMUM: CodeText(
        422, "the order's value {value} is below the minimum {limit}", "订单金额 {value} 低于下限 {limit}"
    ),
    Code.INSUFFICIENT_FUNDS: CodeText(
        422, "available funds {limit} do not cover {value}", "可用资金 {limit} 不足以支付 {value}"
    ),
    Code.INSUFFICIENT_POSITION: CodeText(
        422, "{limit} lots can be closed, not {value}", "可平 {limit} 手,不足 {value} 手"
    ),
    Code.INSUFFICIENT_POSITION_TODAY: CodeText(
        422, "{limit} of today's lots can be closed, not {value}", "可平今仓 {limit} 手,不足 {value} 手"
    ),
    Code.INSUFFICIENT_POSITION_HISTORY: CodeText(
        422, "{limit} history lots can be closed, not {value}", "可平昨仓 {limit} 手,不足 {value} 手"
    ),
    Code.POSITION_LIMIT: CodeText(
        422,
        "{value} lots with this order are above the position limit {limit}",
        "含本单共 {value} 手,超过持仓限额 {limit}",
    ),
    Code.RISK_RATIO_TOO_HIGH: CodeText(
        422,
        "risk ratio {value} after it is above {limit}: only closing is accepted",
        "操作后风险度 {value} 超过 {limit},只能平仓",
    ),
    Code.TOO_MANY_OPEN_ORDERS: CodeText(429, "no more than {limit} open orders", "挂单数已达上限 {limit}"),
    Code.ORDER_NOT_FOUND: CodeText(404, "no such order", "订单不存在"),
    Code.ORDER_FINISHED: CodeText(409, "the order is finished", "订单已结束"),
    Code.AMOUNT_INVALID: CodeText(
        422,
        "amount {value} is not a positive amount of this currency (limit {limit})",
        "金额 {value} 无效(限制 {limit})",
    ),
    Code.WITHDRAW_QUOTA_EXCEEDED: CodeText(
        422, "amount {value} is above what can be withdrawn, {limit}", "金额 {value} 超过可取资金 {limit}"
    ),
    Code.REQUEST_NOT_FOUND: CodeText(404, "no such pending request", "没有该待处理的申请"),
    Code.REQUEST_CONFLICT: CodeText(
        409, "this request id was used with another body", "该申请号已用于不同内容"
    ),
    Code.CURRENCY_UNKNOWN: CodeText(422, "no such currency here", "不支持该币种"),
    Code.REQUEST_ID_INVALID: CodeText(
        422,
        "a request id has 1 to {limit} printable ASCII characters",
        "申请号须为 1 至 {limit} 个可打印 ASCII 字符",
    ),
    Code.DAY_STEP_ORDER: CodeText(
        409, "this step of the day is not due (due: {limit})", "日终步骤顺序不符(应为 {limit})"
    ),
    Code.DAY_CURSOR: CodeText(
        409, "this chunk is out of order (next: {limit})", "批次顺序不符(应为 {limit})"
    ),
    Code.SETTLEMENT_PRICE_MISSING: CodeText(
        409, "{limit} instruments have no confirmed settlement price", "{limit} 个合约缺少已确认的结算价"
    ),
    Code.SETTLEMENT_PRICE_INVALID: CodeText(
        422,
        "settlement price {value} is outside the day's limits (limit {limit})",
        "结算价 {value} 超出当日涨跌停范围(限制 {limit})",
    ),
    Code.SETTLEMENT_RUNNING: CodeText(409, "the day is being settled", "正在结算"),
    Code.LEDGER_UNBALANCED: CodeText(
        500, "the books do not balance: {field} is off by {value}", "账目不平:{field} 相差 {value}"
    ),
    Code.TRADING_DAY_INVALID: CodeText(
        422, "trading day {value} is not after {limit}", "交易日 {value} 须晚于 {limit}"
    ),
    Code.SETTING_UNKNOWN: CodeText(422, "no such setting", "没有该设置项"),
    Code.SETTING_INVALID: CodeText(
        422, "{value} is out of range (limit {limit})", "取值 {value} 超出范围(限制 {limit})"
    ),
    Code.SELF_TRADE: CodeText(
        200, "expired: the next order in the book is your own", "已失效:对手方为本人订单"
    ),
    Code.NOT_FILLABLE: CodeText(200, "expired: it could not be filled whole", "已失效:无法全部成交"),
    Code.NO_OPPOSITE: CodeText(200, "expired: there is no order on the other side", "已失效:对手方无报单"),
    Code.IMMEDIATE_REST: CodeText(200, "the rest expired at once", "剩余部分即时失效"),
    Code.DAY_ENDED: CodeText(200, "expired at the end of the trading day", "当日有效订单已失效"),
    Code.CANCELLED_BY_CLIENT: CodeText(200, "cancelled", "已撤单"),
    Code.CANCELLED_BY_VENUE: CodeText(200, "cancelled by the exchange", "已被交易所撤单"),
    Code.PROTECTION_REACHED: CodeText(200, "the rest expired at the protection price", "到达保护价,剩余失效"),
    Code.BUSY: CodeText(429, "too many commands are under way; try again", "请求过多,请稍后重试"),
    Code.NO_LEADER: CodeText(
        503, "no engine leads just now; the command was not sent", "撮合引擎暂不可用,指令未发送"
    ),
    Code.EXPIRED_IN_TRANSIT: CodeText(
        503, "the command came too late and was dropped; nothing was done", "指令超时被丢弃,未执行"
    ),
    Code.OUTCOME_UNKNOWN: CodeText(
        504,
        "no answer in time; ask with the client order id {value}",
        "未及时得到结果,请用订单号 {value} 查询",
    ),
    Code.JOURNAL_FULL: CodeText(503, "the journal's disk is full; nothing was done", "日志磁盘已满,未执行"),
    Code.LIVE_REBUILDING: CodeText(503, "live data is being rebuilt; try again", "实时数据重建中,请稍后重试"),
    Code.HISTORY_BEHIND: CodeText(
        503, "history has not caught up yet; try again", "历史数据尚未同步,请稍后重试"
    ),
    Code.UNAUTHENTICATED: CodeText(401, "log in first", "请先登录"),
    Code.TOKEN_EXPIRED: CodeText(401, "the token is expired or was ended", "令牌已过期或已注销"),
    Code.TOKEN_REUSED: CodeText(
        401, "this refresh token was used before; the session is ended", "刷新令牌被重复使用,会话已终止"
    ),
    Code.LOGIN_FAILED: CodeText(401, "wrong user name or password", "用户名或密码错误"),
    Code.LOGIN_LOCKED: CodeText(
        429, "too many failed logins; try again later", "登录失败次数过多,请稍后再试"
    ),
    Code.FORBIDDEN: CodeText(403, "you do not have the right to do this", "没有权限"),
    Code.NOT_FOUND: CodeText(404, "not found", "不存在"),
    Code.METHOD_NOT_ALLOWED: CodeText(405, "method not allowed here", "不支持该请求方法"),
    Code.MALFORMED_JSON: CodeText(400, "the body is not valid JSON", "请求体不是合法的 JSON"),
    Code.BODY_TOO_LARGE: CodeText(413, "the body is larger than {limit} bytes", "请求体超过 {limit} 字节"),
    Code.FIELD_UNKNOWN: CodeText(422, "unknown field {field}", "未知字段 {field}"),
    Code.FIELD_REQUIRED: CodeText(422, "{field} is required", "缺少字段 {field}"),
    Code.FIELD_INVALID: CodeText(
        422, "{field} is not valid (limit {limit})", "字段 {field} 无效(限制 {limit})"
    ),
    Code.NUMBER_INVALID: CodeText(
        422, "{field} is not a plain decimal number", "字段 {field} 不是合法的十进制数"
    ),
    Code.PASSWORD_WEAK: CodeText(422, "the password is too weak: {limit}", "密码强度不足:{limit}"),
    Code.USERNAME_TAKEN: CodeText(
        409, "this user name, phone or e-mail is taken", "用户名、手机或邮箱已被使用"
    ),
    Code.THROTTLED: CodeText(
        429, "too many requests; try again in {limit} s", "请求过于频繁,请 {limit} 秒后重试"
    ),
    Code.INSTRUMENT_AMBIGUOUS: CodeText(
        409, "several exchanges list this id: {limit}", "合约代码不唯一:{limit}"
    ),
    Code.CSRF_FAILED: CodeText(403, "the CSRF check failed", "CSRF 校验失败"),
    Code.UNSUPPORTED_MEDIA_TYPE: CodeText(415, "send application/json", "请使用 application/json"),
    Code.IDEMPOTENCY_CONFLICT: CodeText(
        409, "this idempotency key was used with another body", "幂等键已用于不同内容"
    ),
    Code.STATE_CONFLICT: CodeText(
        409, "not possible in its present state ({value})", "当前状态({value})不允许该操作"
    ),
    Code.DATABASE_UNAVAILABLE: CodeText(
        503, "the database is away; trading goes on", "数据库暂不可用,交易不受影响"
    ),
    Code.INTERNAL: CodeText(500, "an error of ours; it has been logged", "内部错误,已记录"),
    Code.MESSAGE_UNKNOWN: CodeText(400, "unknown message type", "未知的消息类型"),
    Code.FRAME_TOO_LARGE: CodeText(413, "a frame is at most {limit} bytes", "消息帧不得超过 {limit} 字节"),
    Code.TOO_MANY_SUBSCRIPTIONS: CodeText(
        429, "at most {limit} subscriptions a connection", "每个连接最多 {limit} 个订阅"
    ),
    Code.SESSION_ENDED: CodeText(401, "the session was ended", "会话已结束"),
    Code.BATCH_TOO_LARGE: CodeText(422, "a batch has at most {limit} entries", "批量最多 {limit} 条"),
    Code.REQUEST_MALFORMED: CodeText(400, "the request is not one we can read", "无法识别的请求"),
    Code.TOO_MANY_SOCKETS: CodeText(429, "at most {limit} connections a user", "每个用户最多 {limit} 个连接"),
}
