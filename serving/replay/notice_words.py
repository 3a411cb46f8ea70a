"""The words of a notice, in Chinese and English."""

from __future__ import annotations

from typing import TypedDict


class NoticeWords(TypedDict):
    """Titles and texts of one language; braces are places that a notice fills."""

    title: str
    about: str
    about_text: str
    identity: str
    role: str
    role_text: str
    score: str
    rank: str
    data: str
    data_text: str
    raised: str
    raised_text: str
    lowered: str
    withheld: str
    other_matters: str
    correction: str
    correction_text: str
    correction_points: tuple[str, ...]


ENTITY = {
    "enterprise": {"zh": "企业", "en": "enterprise"},
    "claim": {"zh": "待遇申领", "en": "claim"},
    "provider": {"zh": "医疗机构或药店", "en": "health-care provider or pharmacy"},
}
TARGETS = {
    "undeclared_workers": {
        "zh": "未为全部职工办理社会保险登记",
        "en": "workers who are not registered with social insurance",
    },
    "unpaid_contributions": {
        "zh": "未足额缴纳社会保险费",
        "en": "contributions that are not paid in full",
    },
    "provider_deception": {"zh": "骗取医疗保险基金", "en": "deception of the insurance funds"},
    "fraudulent_claim": {"zh": "骗取社会保险待遇", "en": "fraudulent claims of benefits"},
}
"""What a score is about; a target that is not here is named as it is declared."""
WORDS: dict[str, NoticeWords] = {
    "zh": {
        "title": "关于检查优先级的说明",
        "about": "本说明涉及什么",
        "about_text": "对象：{entity} {key}。所评估的事项：{target}。",
        "identity": "记录号：{record}。联系经办机构时请提供此号。",
        "role": "分数起什么作用",
        "role_text": "计算机只算出检查的先后次序。分数不是认定，不表示有违法行为，也不是处罚依据。"
        "是否检查、如何处理，由工作人员决定，依据是查明的事实。",
        "score": "当日的分数为 {percent}。",
        "rank": "当日的分数为 {percent}，在 {of} 个对象中排第 {rank} 位。",
        "data": "用了哪些数据",
        "data_text": "数据截至 {as_of}，只用当日已经入库的记录；模型按截至 {trained} 的检查结果建立。所看的数据有：",
        "raised": "什么使优先级升高",
        "raised_text": "下列各项按作用大小排列，是数据中的记载，可能有误，也可能有正当的原因：",
        "lowered": "什么使优先级降低",
        "withheld": "{about}：涉及其他单位或个人，为保护他们不列具体内容",
        "other_matters": "其他情况",
        "correction": "如何要求更正",
        "correction_text": "认为数据有误或对结果不理解的，可以向作出本说明的经办机构提出：",
        "correction_points": (
            "请工作人员人工复核，并当面或书面说明",
            "指出有误的数据并附凭证；核实后更正数据、重新计算，更正前后都留存记录",
            "个人还可查阅、复制并要求更正本人的信息（《个人信息保护法》第二十四条、第四十五条、第四十六条、第四十八条；适用范围待法律人员核对）",
            "写明记录号 {record}；已经依法作出的决定，另按该决定载明的途径申请复议或提起诉讼",
        ),
    },
    "en": {
        "title": "Explanation of an inspection priority",
        "about": "What this is about",
        "about_text": "Concerned: {entity} {key}. What was assessed: {target}.",
        "identity": "Number of the record: {record}. Please give it when you write to the office.",
        "role": "What the score is for",
        "role_text": "A computer only puts possible visits in an order. The score is no finding: it does not say that a law "
        "was broken, and nobody is sanctioned for it. Whether to visit, and what follows, is decided by a person on the "
        "facts that are found.",
        "score": "The score of that day was {percent}.",
        "rank": "The score of that day was {percent}, place {rank} of {of}.",
        "data": "Which data were used",
        "data_text": "The data stand as of {as_of}; only what was recorded by then was used. The model rests on results of "
        "inspections up to {trained}. It looked at:",
        "raised": "What raised the priority",
        "raised_text": "In the order of their weight. This is what the data say: it may be wrong, or have a good reason.",
        "lowered": "What lowered the priority",
        "withheld": "{about}: this concerns others, and to protect them no details are given",
        "other_matters": "other matters",
        "correction": "How to ask for a correction",
        "correction_text": "If data are wrong, or you do not understand the result, write to the office that "
        "gave you this explanation:",
        "correction_points": (
            "ask that a person looks at the case again and explains it to you, by word or in writing",
            "name the data that are wrong and add proof; once checked they are corrected, the score is made again, both are kept",
            (
                "a person may also see, copy and correct the data about them (Personal Information Protection Law, "
                "art. 24, 45, 46 and 48; how far they apply is to be checked by the bureau's lawyers)"
            ),
            "give the number of the record, {record}; against a decision, use the remedies that the decision names",
        ),
    },
}
